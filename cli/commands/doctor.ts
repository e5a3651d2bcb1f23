/**
 * lodestone doctor: what lodestone needs, each as a line with ok, warn or fail and the way out. TensorFlow is loaded in a
 * child process, so that a crash of it is a line as well.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readEnvironment } from '../../config/environment';
import { failures, type FailureKind } from '../../errors';
import { readToolchain } from '../../infra/stack/toolchain';
import type { Context } from '../context';
import { withStore } from '../context';
import { gpuChecks, librariesNotOpened, loaderSpeaks, nvidiaOfKernel } from './doctor-gpu';
import { toLodestoneError } from '../failures';
import { configuredServers, openServers, requireStore } from '../servers';
import { projectRoot, shownPath, stackFolder, stateFolder, toolchainFile } from '../settings';

export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found; where it is not ok, also the way out. */
  readonly text: string;
  /** Where it is not ok: what the command ends with. */
  readonly kind?: FailureKind;
}

const ENGINE_TIMEOUT_MS = 60_000;
const LITTLE_DISK_GB = 3;
const TESTED_NODES = [20, 22, 24];

/** Run by Node in a child: loads the engine and says what it chose. Paths by environment, since cli/ imports no engine. */
const ENGINE_SCRIPT = `
const { realpathSync } = require('node:fs');
const { join } = require('node:path');
const engine = (file) => require(join(process.env.LODESTONE_ROOT, 'dist/engine', file));
const { chooseKernels } = engine('kernels.js');
const kernels = chooseKernels();
const lib = realpathSync(join(process.env.LODESTONE_ROOT, 'node_modules/@tensorflow/tfjs-node-gpu/deps/lib'));
const cudaBuild = !lib.includes('/tensorflow-cpu-');
console.log(JSON.stringify({ fingerprint: engine('fingerprint.js').fingerprint(), kernels, cudaBuild }));
`;

/** What execFile adds to the error of a process that failed. */
interface ChildFailure {
  readonly stderr?: string;
  readonly signal?: string | null;
  readonly code?: string | number;
}

const EngineAnswer = z.object({
  fingerprint: z.record(z.string(), z.string()),
  kernels: z.record(z.string(), z.object({ kernel: z.string(), why: z.string() })),
  cudaBuild: z.boolean(),
});

/** What needs a server program that set-up was not to build. */
const NEED: Readonly<Record<'temporal' | 'minio' | 'versitygw', string>> = {
  temporal: 'the local stack',
  minio: 'the local stack',
  versitygw: '`dev up --s3 versitygw`',
};

export async function doctor(
  context: Context,
  { json, store }: { readonly json?: boolean | undefined; readonly store?: string | undefined },
): Promise<number> {
  const here = withStore(context, store);
  const checks: Check[] = [];
  const show = (check: Check): void => {
    checks.push(check);
    if (!json) context.print(`${check.state.padEnd(5)} ${check.name}: ${check.text}`);
  };
  show(nodeCheck(process.versions.node));
  show(machineCheck(`${process.platform}-${process.arch}`));
  show(await diskCheck(stateFolder(here.variables)));
  for (const check of toolchainChecks(context.folder, isLocal(here))) show(check);
  for (const check of await engineChecks(context)) show(check);
  for (const check of await serverChecks(here)) show(check);
  const [first, ...others] = checks.filter(({ state }) => state === 'fail');
  if (json) context.print(JSON.stringify({ status: first === undefined ? 'ok' : 'failed', checks }));
  else
    context.print(
      first === undefined
        ? 'Everything that lodestone needs is there.'
        : `${1 + others.length} of ${checks.length} checks failed.`,
    );
  return first === undefined ? 0 : failures[first.kind ?? 'ToolMissing'].exitCode;
}

export function nodeCheck(version: string): Check {
  const [major, minor] = version.split('.').map(Number);
  const name = 'Node.js';
  if (major < 20 || (major === 20 && minor < 19))
    return { name, state: 'fail', text: `${version}, must be 20.19 or later. Install a later one from nodejs.org.` };
  if (!TESTED_NODES.includes(major))
    return {
      name,
      state: 'warn',
      text: `${version}; tested are ${TESTED_NODES.join(', ')}. Use one of these if something fails.`,
    };
  return { name, state: 'ok', text: version };
}

export function machineCheck(platform: string): Check {
  const text = `${platform}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GB memory`;
  if (platform === 'linux-x64') return { name: 'machine', state: 'ok', text };
  return {
    name: 'machine',
    state: 'fail',
    text: `${text}; must be linux-x64: set-up refuses others. Use such a machine, virtual machine or container.`,
  };
}

async function diskCheck(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(existsSync(folder) ? folder : projectRoot);
  const free = (bavail * bsize) / 2 ** 30;
  const text = `${free.toFixed(1)} GB free at ${folder}`;
  if (free > LITTLE_DISK_GB) return { name: 'disk', state: 'ok', text };
  return {
    name: 'disk',
    state: 'warn',
    text: `${text}, less than ${LITTLE_DISK_GB} GB. Runs store checkpoints: free some space.`,
  };
}

/** @param usesLocalStack no servers are configured */
function toolchainChecks(folder: string, usesLocalStack: boolean): Check[] {
  if (!existsSync(toolchainFile))
    return [
      { name: 'set-up', state: 'fail', text: `${shownPath(folder, toolchainFile)} is missing. Run: npm run setup` },
    ];
  const read = readToolchain(toolchainFile);
  if (read === null)
    return [
      { name: 'set-up', state: 'fail', text: `${shownPath(folder, toolchainFile)} cannot be read. Run: npm run setup` },
    ];
  return (['temporal', 'minio', 'versitygw'] as const).map((name) => programCheck(name, read[name], usesLocalStack));
}

/** @param path null: set-up was not to build it */
export function programCheck(name: keyof typeof NEED, path: string | null, usesLocalStack: boolean): Check {
  if (path === null && usesLocalStack && name !== 'versitygw')
    return {
      name,
      state: 'fail',
      text: 'not set up, and no servers are configured. Set TEMPORAL_ADDRESS and LODESTONE_STORE, or run: npm run setup',
    };
  if (path === null) return { name, state: 'ok', text: `not set up; only ${NEED[name]} needs it` };
  if (existsSync(path)) return { name, state: 'ok', text: path };
  return { name, state: 'fail', text: `${path} is gone. Run: npm run setup` };
}

/** Fused kernels for CPUs only: on a GPU the stock ones, which are cuDNN's, are the right ones. */
const CPU_KERNELS = ['normRelu', 'maxPool', 'pointwise', 'winograd', 'crop'];

export function kernelCheck(kernels: z.infer<typeof EngineAnswer>['kernels'], onGpu: boolean): Check {
  const chosen = Object.entries(kernels);
  const text = chosen.map(([op, { kernel }]) => `${op} ${kernel}`).join(', ');
  const slower = chosen.filter(([op, { kernel }]) => kernel === 'stock' && !(onGpu && CPU_KERNELS.includes(op)));
  if (slower.length === 0) return { name: 'kernels', state: 'ok', text };
  const reasons = slower.map(([op, { why }]) => `${op}: ${why}`).join('; ');
  return { name: 'kernels', state: 'warn', text: `${text}; stock ones are right but slower (${reasons})` };
}

async function engineChecks(context: Context): Promise<Check[]> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', ENGINE_SCRIPT], {
      env: { ...context.variables, ...loaderSpeaks, LODESTONE_ROOT: projectRoot },
      timeout: ENGINE_TIMEOUT_MS,
      cwd: projectRoot,
    });
    const answer = EngineAnswer.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
    const { tensorflow, device } = answer.fingerprint;
    return [
      { name: 'TensorFlow', state: 'ok', text: `${tensorflow} on ${device}` },
      kernelCheck(answer.kernels, device !== 'cpu'),
      ...gpuChecks({ ...nvidiaOfKernel(), ...answer, inUse: device !== 'cpu', missing: librariesNotOpened(stderr) }),
    ];
  } catch (error) {
    const { stderr = '', signal, code, message } = error as Error & ChildFailure;
    const reason = /^\w*Error: (.*)$/m.exec(stderr)?.[1].trim();
    const ended = signal ?? code;
    const why = reason ?? (ended === undefined ? message : `the process that loads it ended with ${ended}`);
    const text = why.includes('npm run setup') ? why : `${why}. Run: npm run setup`;
    return [{ name: 'TensorFlow', state: 'fail', text, kind: 'EngineUnavailable' }];
  }
}

/** False also where the settings are wrong: `serverChecks` says so. */
function isLocal({ variables }: Context): boolean {
  try {
    return configuredServers(variables).type === 'local';
  } catch {
    return false;
  }
}

async function serverChecks(context: Context): Promise<Check[]> {
  try {
    const configured = configuredServers(context.variables);
    if (configured.type === 'local') return [await stackCheck(context)];
    const servers = await openServers(context.variables, { worker: 'none', command: 'doctor' }, context.say);
    try {
      await requireStore(servers.store);
      return [
        { name: 'Temporal', state: 'ok', text: `${configured.address} answers` },
        { name: 'store', state: 'ok', text: `${readEnvironment(context.variables).store ?? ''} answers` },
      ];
    } finally {
      await servers.release();
    }
  } catch (error) {
    const { kind, message } = toLodestoneError(error);
    return [{ name: 'servers', state: 'fail', text: message, kind }];
  }
}

async function stackCheck(context: Context): Promise<Check> {
  const { stackStatus } = await import('../../infra/stack/client');
  const found = await stackStatus(stackFolder(context.variables));
  switch (found.type) {
    case 'running':
      return {
        name: 'local stack',
        state: 'ok',
        text: `runs, Temporal at ${found.endpoints?.temporalAddress ?? 'a port being chosen'}`,
      };
    case 'stopped':
      return { name: 'local stack', state: 'ok', text: 'stopped; commands start it when they need it' };
    case 'orphaned':
      return {
        name: 'local stack',
        state: 'warn',
        text: `its guardian was killed; the next command takes over what is left, or run: npx lodestone dev down`,
      };
  }
}
