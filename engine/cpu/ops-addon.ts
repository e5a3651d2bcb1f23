/**
 * Loads the ops of this folder, and what else it holds, compiled by set-up (infra/setup/native.mjs). They are a choice
 * (kernels.ts): where they cannot be had, the reason is kept for who asks, and other kernels compute the same.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

/** What the module tells of itself (module.cc). */
interface OpsModule {
  /** Digest of the sources that it was compiled from. */
  readonly sources: string;
  readonly compiler: string;
  readonly instructionSet: 'avx2' | 'avx512';
  /**
   * ‖x − matrix[rows[i]]‖² into `into[i]` for begin ≤ i < end, in float64 (distances.cc).
   * Throws RangeError where a row or a place lies outside.
   */
  readonly squaredDistancesTo: (
    x: Float64Array,
    matrix: Float32Array,
    rows: Int32Array,
    begin: number,
    end: number,
    into: Float64Array,
  ) => void;
}

let loaded: OpsModule | { readonly missing: string } = { missing: 'they were not loaded' };

/** Call it after the addon of tfjs is loaded, whose libraries they share. */
export function loadOps(): void {
  const addon = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const module: { exports: Partial<OpsModule> } = { exports: {} };
  try {
    // All symbols now: one that TensorFlow lacks is an error here, and would end the process at its first use.
    process.dlopen(module, join(addon, 'lib/lodestone/ops.node'), constants.dlopen.RTLD_NOW);
  } catch (cause) {
    loaded = { missing: (cause as Error).message.split('\n')[0] };
    return;
  }
  const { sources, compiler, instructionSet, squaredDistancesTo } = module.exports;
  if (!sources || !compiler || !instructionSet || !squaredDistancesTo) {
    loaded = { missing: 'ops.node does not say what it was compiled from' };
    return;
  }
  const present = digestOfSources(join(addon, '../../../engine/cpu'));
  const stale = present !== null && present !== sources;
  loaded = stale
    ? { missing: 'they were compiled from other sources than are here' }
    : { sources, compiler, instructionSet, squaredDistancesTo };
}

/** Throws where an op of this folder cannot run. */
export function requireOps(onGpu: boolean): void {
  if (onGpu)
    throw new Error("lodestone's own ops run on CPUs, and TensorFlow would copy to them and back without a word");
  if ('missing' in loaded) throw new Error(`lodestone's own ops: ${loaded.missing}. \`npm run setup\` compiles them`);
}

/** What decides their bits, and which loops run; null where they are not loaded. */
export function opsModule(): OpsModule | null {
  return 'missing' in loaded ? null : loaded;
}

/** As set-up computes it; null where the sources are not installed. */
function digestOfSources(folder: string): string | null {
  if (!existsSync(folder)) return null;
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    if (/\.(cc|h)$/.test(name)) hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}
