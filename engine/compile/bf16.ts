/**
 * Which parts of a compiled step compute in bfloat16: convolutions, and what lies between them, so that activations and
 * their gradients move as half the bytes. Weights, their gradients and updates, batch-norm statistics, dense layers and
 * the loss stay float32; oneDNN sums products of bfloat16 in float32, and Winograd's convolutions compute in float32.
 * Knows ops by name; does not know graphs (emit.ts inserts the casts).
 */
import { readFileSync } from 'node:fs';
import { LodestoneError } from '../../errors';
import { binding } from '../native';
import type { RecordedOp } from './trace';

/** What a compiled step computes in; variables are float32 either way. */
export type Precision = 'float32' | 'bf16';

/** TF_DataType of bfloat16, which the addon does not name. */
export const TF_BFLOAT16 = 14;

interface Rule {
  /** Inputs of type T. */
  readonly inputs: readonly number[] | { readonly allButLast: number };
  /** Which outputs are of type T, else the first: others are statistics and workspaces with types of their own. */
  readonly outputs?: { readonly allButLast: number };
  /** When: always; where an input is bfloat16 already; where all of them are (else float32 would lose digits). */
  readonly where: 'always' | 'one is' | 'all are';
}

const ALL = { allButLast: 0 };

const rules: Readonly<Record<string, Rule>> = {
  Conv2D: { inputs: [0, 1], where: 'always' },
  Conv2DBackpropFilter: { inputs: [0, 2], where: 'always' },
  Conv2DBackpropInput: { inputs: [1, 2], where: 'always' },
  /** Filters stay float32, and so does the gradient of one, the only output of its op. */
  LodestoneConvolve: { inputs: [0], where: 'always' },
  LodestoneConvolveFilterGrad: { inputs: [0, 1], outputs: { allButLast: 1 }, where: 'always' },
  /** Its sums are float32, and what follows it is a convolution. */
  LodestoneCrop: { inputs: [], where: 'always' },
  FusedBatchNormV3: { inputs: [0], where: 'one is' },
  FusedBatchNormGradV3: { inputs: [0, 1], where: 'one is' },
  LodestoneNormRelu: { inputs: [0], outputs: { allButLast: 4 }, where: 'one is' },
  LodestoneNormReluGrad: { inputs: { allButLast: 4 }, where: 'one is' },
  BiasAdd: { inputs: [0, 1], where: 'one is' },
  Relu: { inputs: [0], where: 'one is' },
  ReluGrad: { inputs: [0, 1], where: 'one is' },
  MaxPool: { inputs: [0], where: 'one is' },
  MaxPoolGrad: { inputs: [0, 1, 2], where: 'one is' },
  LodestoneMaxPool: { inputs: [0], where: 'one is' },
  LodestoneMaxPoolGrad: { inputs: [0], where: 'one is' },
  ConcatV2: { inputs: { allButLast: 1 }, where: 'all are' },
  /** A convolution of 1 × 1 (implementations/pointwise.ts); dense layers are another op. */
  MatMul: { inputs: [0, 1], where: 'one is' },
  Reshape: { inputs: [0], where: 'one is' },
  Slice: { inputs: [0], where: 'one is' },
  SplitV: { inputs: [0], outputs: ALL, where: 'one is' },
  Add: { inputs: ALL, where: 'all are' },
  AddV2: { inputs: ALL, where: 'all are' },
  AddN: { inputs: ALL, where: 'all are' },
};

/**
 * The inputs that must be bfloat16 for the op to run in it, and how many of its outputs, from the first, then are; null
 * where it runs in float32.
 * @param isNarrow whether an input is bfloat16 already
 */
export function narrowed(
  { op, inputs, outputs }: RecordedOp,
  isNarrow: (input: number) => boolean,
): { readonly inputs: readonly number[]; readonly outputs: number } | null {
  if (!Object.hasOwn(rules, op) || outputs[0].dtype !== binding().TF_FLOAT) return null;
  const { inputs: typed, outputs: results, where } = rules[op];
  const narrow =
    'allButLast' in typed ? Array.from({ length: inputs.length - typed.allButLast }, (_, i) => i) : [...typed];
  if (where === 'one is' && !narrow.some(isNarrow)) return null;
  if (where === 'all are' && !narrow.every(isNarrow)) return null;
  return { inputs: narrow, outputs: results === undefined ? 1 : outputs.length - results.allButLast };
}

/**
 * Throws InvalidConfig where the device has no bfloat16 arithmetic: emulated, it is many times slower than float32.
 * @param info content of /proc/cpuinfo
 */
export function requireBf16(info: string = cpuInfo()): void {
  if (binding().isUsingGpuDevice() || cpuHasBf16(info)) return;
  throw new LodestoneError(
    'InvalidConfig',
    'engine.precision: got bf16, must be float32 on this machine: its CPU has neither avx512_bf16 nor amx_bf16 ' +
      '(/proc/cpuinfo), and emulated it is slower than float32. Set engine.precision to float32, or use a machine that has it.',
  );
}

/** Whether the flags of a /proc/cpuinfo name bfloat16 arithmetic. */
export function cpuHasBf16(info: string): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(info)?.[1].split(' ') ?? [];
  return flags.includes('avx512_bf16') || flags.includes('amx_bf16');
}

/** Empty outside Linux: nothing is known of the CPU, so nothing is promised. */
export function cpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
