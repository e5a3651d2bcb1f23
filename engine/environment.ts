/**
 * The environment that a process must be spawned with before it loads TensorFlow: later changes have no effect.
 * The host of a trainer imports this file, so nothing here loads the addon; `fingerprint.ts` reads the same names.
 */

/** The variables that decide speed, memory and bits of a TensorFlow process. */
export const spawnVariables = {
  intraOpThreads: 'TF_NUM_INTRAOP_THREADS',
  interOpThreads: 'TF_NUM_INTEROP_THREADS',
  oneDnn: 'TF_ENABLE_ONEDNN_OPTS',
  deterministic: 'TF_DETERMINISTIC_OPS',
  logLevel: 'TF_CPP_MIN_LOG_LEVEL',
  gpuGrowth: 'TF_FORCE_GPU_ALLOW_GROWTH',
  malloc: 'GLIBC_TUNABLES',
  /** Read by NVIDIA's libraries: 0 forbids TF32 in them, whatever TensorFlow asks for. */
  tf32: 'NVIDIA_TF32_OVERRIDE',
  /** Ours: 1 loads the tracer (profile/tracer-addon.ts). */
  trace: 'LODESTONE_TRACE',
} as const;

export interface SpawnOptions {
  /** oneDNN kernels on the CPU: faster, other bits. */
  readonly oneDnn: boolean;
  /** Only kernels that give the same bits again; matters on GPUs, where it costs speed. */
  readonly deterministic: boolean;
  /** On a GPU: float32 products may round their operands to TF32, 10 bits. Left out: they may not. */
  readonly tf32?: boolean;
  /** Whether the process can profile its steps. Left out: it cannot. */
  readonly trace?: boolean;
}

/** @param threads of one op, at least 1; the bits of a result depend on it */
export function spawnEnvironment(threads: number, options: SpawnOptions): Record<string, string> {
  return {
    [spawnVariables.intraOpThreads]: String(threads),
    [spawnVariables.interOpThreads]: String(Math.min(2, threads)), // branches of a graph side by side; bits do not depend on it
    [spawnVariables.oneDnn]: options.oneDnn ? '1' : '0',
    [spawnVariables.deterministic]: options.deterministic ? '1' : '0',
    [spawnVariables.logLevel]: '2', // errors only
    [spawnVariables.gpuGrowth]: 'true', // else TensorFlow takes the whole device at once
    [spawnVariables.malloc]: 'glibc.malloc.hugetlb=1', // large pages where Linux grants them on request: activations are megabytes
    ...(options.tf32 ? {} : { [spawnVariables.tf32]: '0' }),
    ...(options.trace ? { [spawnVariables.trace]: '1' } : {}),
  };
}
