/** Products of operands in bfloat16 and in float32, and what is read of them. */
import { cpuHasBf16, cpuInfo } from '../../../engine/compile/bf16';
import {
  bf16SumsAreFloat32,
  blockMinima,
  blocksOf,
  coarseMinima,
  leftOperand,
  productsOf,
  rightOperand,
  roundedToBf16,
} from '../../../engine/ops/products';
import { dataOf, tf } from '../../../engine/tf';
import { rngFor } from '../../../learning/random';

const E = 100;

function rows(count: number, seed: number): Float32Array {
  const rng = rngFor(seed, 'rows');
  return Float32Array.from({ length: count * E }, () => rng.normal());
}

/** In float64. */
function plainProducts(a: Float32Array, b: Float32Array): number[] {
  return Array.from({ length: (a.length / E) * (b.length / E) }, (_, at) => {
    const [i, j] = [Math.floor(at / (b.length / E)), at % (b.length / E)];
    let sum = 0;
    for (let e = 0; e < E; e++) sum += a[i * E + e] * b[j * E + e];
    return sum;
  });
}

test('products are those of the operands as they are rounded, and a bfloat16 result is off by its own rounding only', () => {
  const [a, b] = [rows(5, 1), rows(7, 2)];
  // Without kernels for it, TensorFlow sums bfloat16 in bfloat16, and nobody asks it to.
  for (const precision of bf16SumsAreFloat32() ? (['float32', 'bf16'] as const) : (['float32'] as const)) {
    const rounded = [a, b].map((values) =>
      precision === 'bf16' ? dataOf(() => roundedToBf16(tf.tensor1d(values))) : values,
    );
    const found = dataOf(() => {
      const [left, right] = [a, b].map((values) => tf.tensor2d(values, [values.length / E, E]));
      return productsOf(leftOperand(left, precision), rightOperand(right, precision));
    });
    const roundoff = precision === 'bf16' ? 2 ** -8 : 0;
    plainProducts(rounded[0], rounded[1]).forEach((value, i) => {
      expect(Math.abs(found[i] - value)).toBeLessThanOrEqual(roundoff * Math.abs(value) + E * E * 2 ** -24);
    });
  }
});

test('bfloat16 is taken where the CPU has it, and its sums are seen to be float32', () => {
  expect(bf16SumsAreFloat32()).toBe(cpuHasBf16(cpuInfo()) && process.env.TF_ENABLE_ONEDNN_OPTS !== '0');
});

test('minima of blocks, of blocks of blocks, and blocks in full', () => {
  const table = tf.tensor2d([5, 1, 4, 2, 9, 8, 7, 6, 0, 3, -1, 10, 12, 11, 14, 13], [2, 8]);
  expect([...blockMinima(table, 2)]).toEqual([1, 2, 8, 6, 0, -1, 11, 13]);
  const { minima, coarse } = coarseMinima(table, 2, 2);
  expect([...minima]).toEqual([1, 2, 8, 6, 0, -1, 11, 13]);
  expect([...coarse]).toEqual([1, 6, -1, 11]);
  expect([...blocksOf(table, 2, Int32Array.of(3, 4))]).toEqual([7, 6, 0, 3]);
  expect([...blocksOf(table, 2, new Int32Array(0))]).toEqual([]);
  table.dispose();
});
