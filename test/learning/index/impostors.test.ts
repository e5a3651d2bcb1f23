/** Nearest clusters of other classes: those of a search that measures every pair. */
import { squaredDistance } from '../../../learning/index/distance';
import { nearestImpostors } from '../../../learning/index/impostors';
import type { ClusterIndex } from '../../../learning/index/run-index';
import { rngFor } from '../../../learning/random';

function indexOf(classes: readonly number[], embeddingSize: number, valueOf: () => number): ClusterIndex {
  return {
    type: 'clusters',
    centroids: Float32Array.from({ length: classes.length * embeddingSize }, valueOf),
    clusterClass: Int32Array.from(classes),
    assignments: Int32Array.from(classes.keys()),
    variance: 1,
    embeddingSize,
  };
}

function byEveryPair(
  { centroids, clusterClass, embeddingSize }: ClusterIndex,
  clusters: readonly number[],
  count: number,
): number[][] {
  return clusters.map((cluster) =>
    [...clusterClass.keys()]
      .filter((other) => clusterClass[other] !== clusterClass[cluster])
      .map((other) => ({
        other,
        distance: squaredDistance(centroids, cluster, centroids, other, embeddingSize, Infinity),
      }))
      .sort((a, b) => a.distance - b.distance || a.other - b.other)
      .slice(0, count)
      .map(({ other }) => other),
  );
}

const classes = Array.from({ length: 300 }, (_, cluster) => Math.floor(cluster / 7));
const rng = rngFor(1, 'impostors');

test.each<[string, () => number, number]>([
  ['spread', () => rng.normal(), 11],
  ['far from the origin, where float32 distances of the rows as they are say nothing', () => 3e4 + rng.normal(), 11],
  ['on a grid, full of ties', () => rng.nextInt(2), 5],
  ['all alike', () => 1, 3],
])('%s', (_, valueOf, count) => {
  const index = indexOf(classes, 6, valueOf);
  expect(nearestImpostors(index, count).map((row) => [...row])).toEqual(byEveryPair(index, [...classes.keys()], count));
});

test('fewer where fewer exist; more clusters than one block of products', () => {
  const few = indexOf([0, 0, 1], 2, () => rng.normal());
  expect(nearestImpostors(few, 5).map((row) => row.length)).toEqual([1, 1, 2]);

  const many = indexOf(
    Array.from({ length: 2500 }, (_, cluster) => cluster % 50).sort((a, b) => a - b),
    3,
    () => rng.normal(),
  );
  const found = nearestImpostors(many, 4);
  const some = [0, 1234, 1700, 2499];
  expect(some.map((cluster) => [...found[cluster]])).toEqual(byEveryPair(many, some, 4));
});
