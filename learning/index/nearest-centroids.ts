/**
 * The nearest centroid of each of many rows, exactly: by float32 products where they can tell, by float64 distances where
 * they cannot (products.ts).
 */
import { dataOf, tf } from '../../engine/tf';
import type { CentredPoints, Points } from './centred-points';
import { squaredDistance } from './distance';
import { allRows, centredRows, productError } from './products';

const { POSITIVE_INFINITY } = Number;
const { max, sqrt } = Math;

/**
 * @param centroids float64 [k, E]
 * @returns int32 [n]; ties to the first
 */
export function nearestCentroids(
  { points, centre, lengths, chunks }: CentredPoints,
  centroids: Float64Array,
): Int32Array {
  const { embeddingSize } = points;
  const k = centroids.length / embeddingSize;
  const assignments = new Int32Array(points.rows.length);
  if (k === 1) return assignments;
  const { values, squares } = centredRows(centroids, centre, allRows(k));
  const radius = sqrt(squares.reduce((most, square) => max(most, square), 0));
  const right = tf.tensor2d(values, [k, embeddingSize]);
  for (const { start, rows, tensor } of chunks) {
    const products = dataOf(() => tf.matMul(tensor, right, false, true));
    for (let i = 0, at = 0; i < rows; i++) {
      let nearest = 0;
      let least = POSITIVE_INFINITY;
      let second = POSITIVE_INFINITY;
      for (let cluster = 0; cluster < k; cluster++, at++) {
        const value = squares[cluster] - 2 * products[at];
        if (value < least) {
          second = least;
          least = value;
          nearest = cluster;
        } else if (value < second) second = value;
      }
      const row = start + i;
      const isClear = second - least > 2 * productError(lengths[row], radius, embeddingSize);
      assignments[row] = isClear ? nearest : exactly(points, row, centroids, k);
    }
  }
  right.dispose();
  return assignments;
}

function exactly({ embeddings, embeddingSize, rows }: Points, row: number, centroids: Float64Array, k: number): number {
  let nearest = 0;
  let least = POSITIVE_INFINITY;
  for (let cluster = 0; cluster < k; cluster++) {
    const found = squaredDistance(embeddings, rows[row], centroids, cluster, embeddingSize, least);
    if (found < least) {
      least = found;
      nearest = cluster;
    }
  }
  return nearest;
}
