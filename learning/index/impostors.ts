/**
 * The nearest clusters of other classes of every cluster of an index, by centroid, exactly: candidates by float32 products
 * with a proven bound on their error (products.ts), chosen among by float64 distances. Once for an index, in blocks of
 * rows: one cluster at a time, a step that draws a cluster for the first time would cost as much as there are clusters.
 */
import { dataOf, tf } from '../../engine/tf';
import { squaredDistance } from './distance';
import { allRows, centredRows, meanOfRows, productError } from './products';
import type { ClusterIndex } from './run-index';

/** Products at once: 16 MB. */
const PRODUCTS = 2 ** 22;

const { POSITIVE_INFINITY } = Number;
const { floor, max, min, sqrt } = Math;

/** @returns of each cluster up to `count` others of other classes, nearest first; ties by cluster */
export function nearestImpostors(index: ClusterIndex, count: number): Int32Array[] {
  const { centroids, clusterClass, embeddingSize } = index;
  const clusters = clusterClass.length;
  const { values, squares } = centredRows(
    centroids,
    meanOfRows(centroids, embeddingSize, allRows(clusters)),
    allRows(clusters),
  );
  const radius = sqrt(squares.reduce((most, square) => max(most, square), 0));
  const all = tf.tensor2d(values, [clusters, embeddingSize]);
  const block = max(1, min(clusters, floor(PRODUCTS / clusters)));
  const nearest: Int32Array[] = [];
  for (let begin = 0; begin < clusters; begin += block) {
    const rows = min(block, clusters - begin);
    const products = dataOf(() => tf.matMul(all.slice([begin, 0], [rows, embeddingSize]), all, false, true));
    for (let i = 0; i < rows; i++) {
      const cluster = begin + i;
      const slack = 2 * productError(sqrt(squares[cluster]), radius, embeddingSize);
      const own = products.subarray(i * clusters, (i + 1) * clusters);
      nearest.push(nearestOf(index, cluster, count, candidatesOf(own, squares, clusterClass, cluster, count, slack)));
    }
  }
  all.dispose();
  return nearest;
}

/** Clusters of other classes, the `count` nearest among them: whatever by products is within `slack` of the last of those. */
function candidatesOf(
  products: Float32Array,
  squares: Float64Array,
  clusterClass: Int32Array,
  cluster: number,
  count: number,
  slack: number,
): number[] {
  const least = new Float64Array(count).fill(POSITIVE_INFINITY); // ascending
  const seen: { readonly other: number; readonly value: number }[] = [];
  for (let other = 0; other < clusterClass.length; other++) {
    if (clusterClass[other] === clusterClass[cluster]) continue;
    const value = squares[other] - 2 * products[other];
    if (value > least[count - 1] + slack) continue;
    seen.push({ other, value });
    if (!(value < least[count - 1])) continue;
    let place = count - 1;
    for (; place > 0 && least[place - 1] > value; place--) least[place] = least[place - 1];
    least[place] = value;
  }
  const limit = least[count - 1] + slack;
  return seen.filter(({ value }) => !(value > limit)).map(({ other }) => other);
}

function nearestOf(
  { centroids, embeddingSize }: ClusterIndex,
  cluster: number,
  count: number,
  candidates: readonly number[],
): Int32Array {
  const measured = candidates.map((other) => ({
    other,
    distance: squaredDistance(centroids, cluster, centroids, other, embeddingSize, POSITIVE_INFINITY),
  }));
  measured.sort((a, b) => a.distance - b.distance || a.other - b.other);
  return Int32Array.from(measured.slice(0, count), ({ other }) => other);
}
