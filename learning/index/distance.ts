/** The squared Euclidean distance of two rows, where it is computed row by row: K-means, impostors of clusters and anchors. */

import { opsModule } from '../../engine/cpu/ops-addon';

/** Row-major, float32 or float64 [n, E]. */
type Matrix = Float32Array | Float64Array;

/** Dimensions between two looks at whether the distance is already too large; a multiple of 4. */
const STRIDE = 16;

/**
 * ‖a − b‖² of row `i` of `a` and row `j` of `b`, in float64; some number ≥ `limit` as soon as it is known to be no less.
 * Four sums side by side: one alone would wait for each addition before the next.
 */
export function squaredDistance(
  a: Matrix,
  i: number,
  b: Matrix,
  j: number,
  embeddingSize: number,
  limit: number,
): number {
  const from = i * embeddingSize;
  const to = j * embeddingSize;
  const whole = embeddingSize - (embeddingSize % 4);
  let sum = 0;
  for (let e = whole; e < embeddingSize; e++) {
    const d = a[from + e] - b[to + e];
    sum += d * d;
  }
  for (let begin = 0; begin < whole && sum < limit; begin += STRIDE) {
    const end = begin + STRIDE < whole ? begin + STRIDE : whole;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let e = begin; e < end; e += 4) {
      const d0 = a[from + e] - b[to + e];
      const d1 = a[from + e + 1] - b[to + e + 1];
      const d2 = a[from + e + 2] - b[to + e + 2];
      const d3 = a[from + e + 3] - b[to + e + 3];
      sum += d0 * d0;
      sum1 += d1 * d1;
      sum2 += d2 * d2;
      sum3 += d3 * d3;
    }
    sum += sum1 + sum2 + sum3;
  }
  return sum;
}

/** Numbers of rows below which a call of compiled code takes longer than the loop here. */
const WORTH_A_CALL = 4096;

/**
 * ‖x − y‖² of one row with some rows of a matrix, in float64 and to the same bits as `squaredDistance`: by the loops of
 * engine/cpu where they are compiled, else two rows side by side, which share what is read of the one.
 * @param x float64 [E]
 * @param rows of the matrix, from place `begin` on and up to `end`
 * @param into float64 [≥ end], overwritten in the same places
 */
export function squaredDistancesTo(
  x: Float64Array,
  matrix: Float32Array,
  { rows, begin, end: last }: { readonly rows: Int32Array; readonly begin: number; readonly end: number },
  into: Float64Array,
): void {
  const embeddingSize = x.length;
  const compiled = (last - begin) * embeddingSize < WORTH_A_CALL ? null : opsModule();
  if (compiled !== null) return compiled.squaredDistancesTo(x, matrix, rows, begin, last, into);
  const whole = embeddingSize - (embeddingSize % 4);
  for (let i = begin; i < last; i += 2) {
    const a = rows[i] * embeddingSize;
    const b = (i + 1 < last ? rows[i + 1] : rows[i]) * embeddingSize;
    let sumA = 0;
    let sumB = 0;
    for (let e = whole; e < embeddingSize; e++) {
      const dA = x[e] - matrix[a + e];
      const dB = x[e] - matrix[b + e];
      sumA += dA * dA;
      sumB += dB * dB;
    }
    for (let from = 0; from < whole; from += STRIDE) {
      const end = from + STRIDE < whole ? from + STRIDE : whole;
      let sumA1 = 0;
      let sumA2 = 0;
      let sumA3 = 0;
      let sumB1 = 0;
      let sumB2 = 0;
      let sumB3 = 0;
      for (let e = from; e < end; e += 4) {
        const x0 = x[e];
        const x1 = x[e + 1];
        const x2 = x[e + 2];
        const x3 = x[e + 3];
        const a0 = x0 - matrix[a + e];
        const a1 = x1 - matrix[a + e + 1];
        const a2 = x2 - matrix[a + e + 2];
        const a3 = x3 - matrix[a + e + 3];
        const b0 = x0 - matrix[b + e];
        const b1 = x1 - matrix[b + e + 1];
        const b2 = x2 - matrix[b + e + 2];
        const b3 = x3 - matrix[b + e + 3];
        sumA += a0 * a0;
        sumA1 += a1 * a1;
        sumA2 += a2 * a2;
        sumA3 += a3 * a3;
        sumB += b0 * b0;
        sumB1 += b1 * b1;
        sumB2 += b2 * b2;
        sumB3 += b3 * b3;
      }
      sumA += sumA1 + sumA2 + sumA3;
      sumB += sumB1 + sumB2 + sumB3;
    }
    into[i] = sumA;
    if (i + 1 < last) into[i + 1] = sumB;
  }
}
