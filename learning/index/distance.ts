/** The squared Euclidean distance of two rows, where it is computed row by row: K-means, impostors of clusters and anchors. */

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
  for (let e = whole; e < embeddingSize; e++) sum += (a[from + e] - b[to + e]) ** 2;
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
