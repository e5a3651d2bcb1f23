/**
 * What decides the bits of a result in this process. Equal fingerprints mean that a resumed run is identical to an
 * unbroken one; different ones mean "equivalent" (DURABILITY B1). Kept in checkpoints and reports.
 * Reads the machine and the process it runs in; does not know runs.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { opsModule } from './cpu/ops-addon';
import { spawnVariables } from './environment';
import { kernelOps, kernelsInUse } from './kernels';
import { binding } from './native';

/**
 * Raised with every change of ours that changes bits of results: of graphs, of kernels, of what rounds where. Not for those of our
 * own ops: their sources are in `ops`.
 */
const REVISION = 3;

/** @returns flat strings, stable within a process */
export function fingerprint(): Record<string, string> {
  const choice = kernelsInUse();
  const ops = opsModule();
  const onGpu = binding().isUsingGpuDevice();
  return {
    revision: String(REVISION),
    tensorflow: binding().TF_Version,
    device: onGpu ? `gpu ${gpuModels()}`.trim() : 'cpu',
    ...(onGpu ? { tf32: setting(spawnVariables.tf32), driver: driverVersion() } : {}),
    cpu: cpus()[0]?.model.trim() ?? process.arch,
    cpuFeatures: cpuFeatures(),
    threads: setting(spawnVariables.intraOpThreads),
    interOpThreads: setting(spawnVariables.interOpThreads),
    oneDnn: setting(spawnVariables.oneDnn),
    ...instructionLimits(),
    deterministicOps: setting(spawnVariables.deterministic),
    ops: ops === null ? 'none' : `${ops.sources.slice(0, 16)} by ${ops.compiler}`,
    kernels: kernelOps.map((op) => `${op}=${choice[op].kernel}`).join(' '),
    node: process.versions.node.split('.')[0], // V8 computes Math.exp and Math.log: sampling and clustering use them
  };
}

/** Where somebody keeps oneDNN from instructions that the CPU has, it picks other kernels. */
function instructionLimits(): Record<string, string> {
  const limits = ['ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA'].flatMap((name) => process.env[name] ?? []);
  return limits.length === 0 ? {} : { oneDnnLimit: limits.join(' ') };
}

/** Instruction sets and cache sizes: oneDNN and Eigen pick kernels and block sizes by them. */
function cpuFeatures(): string {
  const lines = contentOf('/proc/cpuinfo').split('\n');
  const named = (name: string): string => lines.find((line) => line.startsWith(name)) ?? '';
  return createHash('sha256')
    .update(`${named('flags')}\n${named('cache size')}`)
    .digest('hex')
    .slice(0, 16);
}

/** The models that NVIDIA's driver lists; nothing where there is none. */
function gpuModels(): string {
  const folder = '/proc/driver/nvidia/gpus';
  const models = entriesOf(folder).map(
    (gpu) => /^Model:\s*(.*)$/m.exec(contentOf(`${folder}/${gpu}/information`))?.[1],
  );
  return models.join(', ');
}

/** Kernels that a driver compiles, and cuDNN's choices, follow its version. */
function driverVersion(): string {
  return /Kernel Module(?: for \S+)?\s+(\S+)/.exec(contentOf('/proc/driver/nvidia/version'))?.[1] ?? 'unknown';
}

function setting(variable: string): string {
  return process.env[variable] ?? 'default'; // the process is the edge: TensorFlow read the same variable when it loaded
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not Linux, or no such device: then it does not tell hosts apart
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
