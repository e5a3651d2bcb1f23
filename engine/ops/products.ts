/**
 * Products of many rows with many, as searches need them: in float32, or of operands rounded to bfloat16 where the CPU
 * multiplies those twice as fast; and of a table of products what is worth reading, which is little.
 * Knows tensors; does not know what the rows mean or how far off a caller may be.
 */
import { cpuHasBf16, cpuInfo, TF_BFLOAT16 } from '../compile/bf16';
import { attribute, binding, runOneOutput, runUnnamedOutput } from '../native';
import { dataOf, tf } from '../tf';

/** What operands are rounded to; sums are float32 either way, and a sum of bfloat16 products is rounded to bfloat16 at the end. */
export type ProductPrecision = 'float32' | 'bf16';

/** Rows as products need them; made once, multiplied often. */
export interface Operand {
  readonly precision: ProductPrecision;
  readonly tensor: tf.Tensor;
}

let exactSums: boolean | undefined;

/** @param rows float32 [n, E]; stays the caller's, as the operand's tensor does */
export function leftOperand(rows: tf.Tensor2D, precision: ProductPrecision): Operand {
  return { precision, tensor: precision === 'bf16' ? toBf16(rows) : rows.clone() };
}

/** In float32 its columns stand as rows: oneDNN takes a third longer for a product that has to turn them itself. */
export function rightOperand(rows: tf.Tensor2D, precision: ProductPrecision): Operand {
  return { precision, tensor: precision === 'bf16' ? toBf16(rows) : rows.transpose() };
}

/** float32 [n, m]: each row of the left with each of the right, both of one precision. */
export function productsOf(left: Operand, right: Operand): tf.Tensor2D {
  if (left.precision === 'float32') return tf.matMul<tf.Tensor2D>(left.tensor, right.tensor);
  return tf.tidy(() => {
    const attributes = [
      attribute.bool('transpose_a', false),
      attribute.bool('transpose_b', true),
      attribute.type('T', TF_BFLOAT16),
    ];
    return fromBf16(runUnnamedOutput('MatMul', attributes, [left.tensor, right.tensor])) as tf.Tensor2D;
  });
}

/** Each number rounded to bfloat16, as float32. */
export function roundedToBf16<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => fromBf16(toBf16(x)) as T);
}

/**
 * float32 [n · m / width]: the least of each `width` columns that stand side by side, row by row.
 * @param table float32 [n, m], m a multiple of `width`
 */
export function blockMinima(table: tf.Tensor2D, width: number): Float32Array {
  return dataOf(() => table.reshape([-1, width]).min(1));
}

/** The same, and the least of each `step` minima in turn; m is a multiple of `width · step`. */
export function coarseMinima(
  table: tf.Tensor2D,
  width: number,
  step: number,
): { readonly minima: Float32Array; readonly coarse: Float32Array } {
  const tensor = tf.tidy(() => table.reshape([-1, width]).min<tf.Tensor1D>(1));
  const coarse = dataOf(() => tensor.reshape([-1, step]).min(1));
  return { minima: dataOf(() => tensor), coarse };
}

/**
 * float32 [b, width]: some of the blocks in full.
 * @param blocks int32 [b], counted row by row
 */
export function blocksOf(table: tf.Tensor2D, width: number, blocks: Int32Array): Float32Array {
  if (blocks.length === 0) return new Float32Array(0);
  return dataOf(() => {
    // Not tf.gather, which looks at each index in JavaScript first: that takes as long as the op.
    const attributes = [
      attribute.int('batch_dims', 0),
      attribute.float32('Tparams'),
      attribute.type('Tindices', binding().TF_INT32),
      attribute.type('Taxis', binding().TF_INT32),
    ];
    const inputs = [table.reshape([-1, width]), tf.tensor1d(blocks, 'int32'), tf.scalar(0, 'int32')];
    return runOneOutput('GatherV2', attributes, inputs);
  });
}

/**
 * Whether products of bfloat16 are fast here and sum in float32, as error bounds take for granted: seen once per process, on
 * numbers whose sums in bfloat16 would be far off.
 */
export function bf16SumsAreFloat32(): boolean {
  exactSums ??= !binding().isUsingGpuDevice() && cpuHasBf16(cpuInfo()) && sumsAreFloat32();
  return exactSums;
}

const TRIED_ROWS = 48;
const TRIED_TERMS = 1027;

/** Integers up to 15: bfloat16 holds them, and float32 their sums, so that only the last rounding is left. */
function sumsAreFloat32(): boolean {
  const integers = (step: number): Float32Array =>
    Float32Array.from({ length: TRIED_ROWS * TRIED_TERMS }, (_, i) => (i * step) % 16);
  const [a, b] = [integers(7), integers(11)].map((values) => tf.tensor2d(values, [TRIED_ROWS, TRIED_TERMS]));
  const [narrow, wide] = (['bf16', 'float32'] as const).map((precision) =>
    dataOf(() => {
      const products = productsOf(leftOperand(a, precision), rightOperand(b, precision));
      return precision === 'bf16' ? products : roundedToBf16(products);
    }),
  );
  tf.dispose([a, b]);
  return narrow.every((value, i) => value === wide[i]);
}

function toBf16(x: tf.Tensor): tf.Tensor {
  return runUnnamedOutput('Cast', castAttributes(binding().TF_FLOAT, TF_BFLOAT16), [x]);
}

function fromBf16(x: tf.Tensor): tf.Tensor {
  return runOneOutput('Cast', castAttributes(TF_BFLOAT16, binding().TF_FLOAT), [x]);
}

function castAttributes(from: number, to: number): ReturnType<typeof attribute.type>[] {
  return [attribute.type('SrcT', from), attribute.type('DstT', to), attribute.bool('Truncate', false)];
}
