/** lodestone dev up, down, status, logs; lodestone worker: the local stack by hand. */
import { existsSync, readFileSync } from 'node:fs';
import { LodestoneError } from '../../errors';
import { didYouMean } from '../../config/did-you-mean';
import { readEnvironment } from '../../config/environment';
import type { S3Kind } from '../../infra/stack/client';
import { withStore, type Context } from '../context';
import { configuredServers, holdStack, openServers, requireStore } from '../servers';
import { projectRoot, shownPath, stackFolder } from '../settings';

export interface UpOptions {
  readonly s3?: string | undefined;
  readonly worker?: boolean | undefined;
  readonly temporalPort?: string | undefined;
  readonly uiPort?: string | undefined;
  readonly s3Port?: string | undefined;
}

const S3_KINDS: readonly string[] = ['minio', 'versitygw'];
export const workerRoles = ['all', 'pipeline', 'cpu', 'gpu'] as const;

export async function up(context: Context, options: UpOptions): Promise<number> {
  if (options.s3 !== undefined && !S3_KINDS.includes(options.s3))
    throw new LodestoneError('InvalidConfig', `--s3: got ${options.s3}. ${didYouMean(options.s3, S3_KINDS)}.`);
  const ports = {
    temporal: portOf('--temporal-port', options.temporalPort),
    temporalUi: portOf('--ui-port', options.uiPort),
    s3: portOf('--s3-port', options.s3Port),
  };
  const { ensureStack } = await import('../../infra/stack/client');
  const stack = await ensureStack({
    stateDir: stackFolder(context.variables),
    projectRoot,
    s3: options.s3 as S3Kind | undefined,
    worker: options.worker ? 'all' : 'none',
    lease: { type: 'permanent' },
    ports,
    onProgress: context.say,
  });
  const { temporalAddress, temporalUi, s3Endpoint } = stack.endpoints;
  context.print(`Temporal   ${temporalAddress}   pages ${temporalUi}\nS3         ${s3Endpoint}   bucket lodestone`);
  context.print('Commands use these without any setting. It stays until: npx lodestone dev down');
  await stack.release();
  return 0;
}

export async function down(context: Context): Promise<number> {
  const { stopStack } = await import('../../infra/stack/client');
  const ended = await stopStack(stackFolder(context.variables));
  context.print(ended ? 'The local stack is down. What it stored stays.' : 'There was no local stack to end.');
  return 0;
}

export async function status(context: Context, { json }: { readonly json?: boolean | undefined }): Promise<number> {
  const { stackStatus } = await import('../../infra/stack/client');
  const found = await stackStatus(stackFolder(context.variables));
  if (json) {
    context.print(JSON.stringify(found));
    return 0;
  }
  switch (found.type) {
    case 'stopped':
      context.print('stopped. Commands start it when they need it; `npx lodestone dev up` keeps it up.');
      break;
    case 'orphaned':
      context.print(
        `orphaned: its guardian was killed, processes ${found.pids.join(', ')} are left. The next command ends or takes them over; so does \`npx lodestone dev down\`.`,
      );
      break;
    case 'running':
      context.print(`running: guardian ${found.guardian}, ${found.serving ? 'serving' : 'not serving yet'}`);
      if (found.endpoints)
        context.print(
          `  Temporal ${found.endpoints.temporalAddress}, pages ${found.endpoints.temporalUi}\n  ${found.s3} ${found.endpoints.s3Endpoint}`,
        );
      for (const { name, pid, restarts } of found.processes)
        context.print(
          `  ${name}: ${pid === null ? 'starting again' : `process ${pid}`}${restarts > 0 ? `, ${restarts} restarts` : ''}`,
        );
      context.print(
        `  held by: ${found.leases.map((lease) => (lease.type === 'permanent' ? 'dev up' : lease.name)).join(', ') || 'nobody, ends in a moment'}`,
      );
      break;
  }
  return 0;
}

export async function logs(
  context: Context,
  name: string | undefined,
  { lines, follow }: { readonly lines: string; readonly follow?: boolean | undefined },
): Promise<number> {
  const { logPaths } = await import('../../infra/stack/client');
  const paths: Record<string, string> = logPaths(stackFolder(context.variables));
  if (name !== undefined && !(name in paths))
    throw new LodestoneError('InvalidConfig', `log: got ${name}. ${didYouMean(name, Object.keys(paths))}.`);
  const count = Number(lines);
  if (!Number.isInteger(count) || count < 1)
    throw new LodestoneError(
      'InvalidConfig',
      `--lines: got ${lines}, must be a whole number from 1. Example: --lines 50`,
    );
  const wanted = Object.entries(paths).filter(
    ([one, path]) => (name === undefined || one === name) && existsSync(path),
  );
  if (wanted.length === 0) context.say('There is no log yet: the local stack has not run in this clone.');
  for (const [one, path] of wanted) {
    context.print(`== ${one}: ${shownPath(context.folder, path)}`);
    context.print(readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n'));
  }
  return follow && wanted.length > 0 ? followFiles(wanted.map(([, path]) => path)) : 0;
}

/** Serves until SIGTERM or Ctrl-C, which checkpoints first. Without configured servers, for the local stack. */
export async function worker(
  context: Context,
  { role, store }: { readonly role: string; readonly store?: string | undefined },
): Promise<number> {
  const known = workerRoles.find((one) => one === role);
  if (known === undefined)
    throw new LodestoneError('InvalidConfig', `--role: got ${role}. ${didYouMean(role, workerRoles)}.`);
  const { variables } = withStore(context, store);
  const wish = { worker: 'none', command: `worker ${role}` } as const;
  const local = configuredServers(variables).type === 'local';
  const stack = local ? await holdStack(variables, wish, context.say) : null;
  if (!local) await requireServers(variables, wish, context.say);
  try {
    const { runWorker } = await import('../../activities/worker');
    const environment = { ...variables, ...stack?.environment };
    const { workerDirectory } = readEnvironment(environment);
    const onReady = (): void =>
      context.say(`This worker (${known}) serves runs until Ctrl-C, from ${workerDirectory}.`);
    await runWorker({ role: known, environment, onReady });
  } finally {
    await stack?.release();
  }
  return 0;
}

/** Said here at once, not by the first activity that fails. */
async function requireServers(...asked: Parameters<typeof openServers>): Promise<void> {
  const servers = await openServers(...asked);
  await requireStore(servers.store).finally(() => servers.release());
}

async function followFiles(paths: readonly string[]): Promise<number> {
  const { spawn } = await import('node:child_process');
  const tail = spawn('tail', ['-n', '0', '-F', ...paths], { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => {
    tail.once('error', (cause) =>
      reject(
        new LodestoneError('ToolMissing', 'tail: is not on PATH, --follow needs it. Leave --follow out.', { cause }),
      ),
    );
    tail.once('close', () => resolve(0));
  });
}

function portOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new LodestoneError(
    'InvalidConfig',
    `${option}: got ${text}, must be a port from 1 to 65535. Example: ${option} 7233`,
  );
}
