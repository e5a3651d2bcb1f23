/** The index of a refresh: how many clusters, from where, and what becomes of small ones. */
import { buildClusterIndex, buildRefitIndex, type ClusterRequest } from '../../../learning/index/cluster';
import type { ClusterIndex } from '../../../learning/index/run-index';
import { rngFor } from '../../../learning/random';

/** Rows of one number each. */
function request(
  values: readonly number[],
  classes: readonly number[],
  changes: Partial<ClusterRequest> = {},
): ClusterRequest {
  return {
    embeddings: Float32Array.from(values),
    embeddingSize: 1,
    classes: Int32Array.from(classes),
    classNames: Array.from({ length: Math.max(...classes) + 1 }, (_, id) => `class ${id}`),
    clustersPerClass: 2,
    previous: null,
    seed: 3,
    epoch: 1,
    ...changes,
  };
}

/** Three classes, interleaved, of ten rows in four dimensions. */
const rng = rngFor(8, 'rows');
const random = request(
  [],
  Array.from({ length: 30 }, (_, row) => row % 3),
  {
    embeddings: Float32Array.from({ length: 120 }, () => rng.normal()),
    embeddingSize: 4,
    clustersPerClass: 3,
  },
);

function sizesOf({ assignments, clusterClass }: ClusterIndex): number[] {
  const sizes = Array<number>(clusterClass.length).fill(0);
  for (const cluster of assignments) sizes[cluster]++;
  return sizes;
}

test('clusters stand by class, hold rows of their class only, and are the means of their members', () => {
  const { index, warnings } = buildClusterIndex(random);
  expect(warnings).toEqual([]);
  const { centroids, clusterClass, assignments, variance } = index;
  expect([...clusterClass]).toEqual([...clusterClass].sort((a, b) => a - b));
  expect(sizesOf(index).every((size) => size >= 2)).toBe(true);
  expect([...assignments].map((cluster) => clusterClass[cluster])).toEqual([...random.classes]);

  let squares = 0;
  clusterClass.forEach((_, cluster) => {
    const members = [...assignments.keys()].filter((row) => assignments[row] === cluster);
    for (let e = 0; e < 4; e++) {
      const values = members.map((row) => random.embeddings[row * 4 + e]);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      expect(centroids[cluster * 4 + e]).toBe(Math.fround(mean));
      for (const value of values) squares += (value - mean) ** 2;
    }
  });
  expect(variance).toBeCloseTo(squares / 29, 12);
});

test('the variance is exact where float32 sums are not', () => {
  const values = [100_000, 100_000.5, 200_000, 200_001];
  const { index } = buildClusterIndex(request(values, [0, 0, 1, 1], { clustersPerClass: 1 }));
  expect(index.variance).toBe((2 * 0.25 ** 2 + 2 * 0.5 ** 2) / 3);
});

test('K_c = min(K, ⌊n_c/2⌋), at least 1; one warning names the classes', () => {
  const values = [0, 1, 100, 101, 200, 201, 300, 301, 0, 50, 51, 7];
  const classes = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
  const { index, warnings } = buildClusterIndex(request(values, classes, { clustersPerClass: 4 }));
  expect([...index.clusterClass]).toEqual([0, 0, 0, 0, 1, 2]);
  expect(sizesOf(index)).toEqual([2, 2, 2, 2, 3, 1]);
  expect(warnings).toEqual([
    'clustersPerClass: got 4, lowered to half of the images in 2 classes: class 1, class 2. ' +
      'Lower it, or give these classes more images.',
  ]);
});

test('a class without training examples has no cluster and no warning', () => {
  const { index, warnings } = buildClusterIndex(request([0, 1, 5, 6], [0, 0, 2, 2], { clustersPerClass: 1 }));
  expect([...index.clusterClass]).toEqual([0, 2]);
  expect(warnings).toEqual([]);
});

test('a cluster under two members is merged into the nearest of its class, not of another', () => {
  // K = 3 isolates 1000 of class 0; row 999 is nearer but of class 1.
  const values = [0, 1, 2, 100, 101, 1000, 999, 999];
  const { index } = buildClusterIndex(request(values, [0, 0, 0, 0, 0, 0, 1, 1], { clustersPerClass: 3 }));
  expect([...index.clusterClass]).toEqual([0, 0, 1]);
  expect(sizesOf(index)).toEqual([3, 3, 2]);
  const merged = index.assignments[5];
  expect([index.assignments[3], index.assignments[4]]).toEqual([merged, merged]);
  expect(index.centroids[merged]).toBe(Math.fround((100 + 101 + 1000) / 3));
});

test('equal embeddings are one cluster', () => {
  const { index } = buildClusterIndex(
    request([4, 4, 4, 4, 4, 4, 9, 9], [0, 0, 0, 0, 0, 0, 1, 1], { clustersPerClass: 3 }),
  );
  expect(index.variance).toBe(0);
  expect(sizesOf(index)).toEqual([6, 2]);
  expect([...index.assignments].map((cluster) => index.centroids[cluster])).toEqual([4, 4, 4, 4, 4, 4, 9, 9]);
});

test('the same request gives the same index; the seed matters to it alone', () => {
  expect(buildClusterIndex(random)).toEqual(buildClusterIndex(random));
  const digests = [1, 2, 3, 4, 5].map((seed) => buildClusterIndex({ ...random, seed }).index.assignments.join());
  expect(new Set(digests).size).toBeGreaterThan(1);
});

test('a later refresh starts from the previous centroids: clusters keep their places and the seed does not matter', () => {
  const values = [0, 1, 10, 11, 0, 1, 10, 11];
  const classes = [0, 0, 0, 0, 1, 1, 1, 1];
  const previous: ClusterIndex = {
    type: 'clusters',
    centroids: Float32Array.of(12, -3, -3, 12), // the order of class 0 is the unusual one
    clusterClass: Int32Array.of(0, 0, 1, 1),
    assignments: new Int32Array(8),
    variance: 1,
    embeddingSize: 1,
  };
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { index } = buildClusterIndex(request(values, classes, { previous, seed }));
    expect([...index.centroids]).toEqual([10.5, 0.5, 0.5, 10.5]);
  }
});

test('a warm start stays in its local minimum; K-means++ with restarts finds the better one', () => {
  // Corners of a long rectangle, each doubled: splitting it the long way is a fixed point of Lloyd, but a bad one.
  const corners = [
    [0, 0],
    [0, 2],
    [9, 0],
    [9, 2],
  ];
  const rectangle = request([], Array<number>(8).fill(0), {
    embeddings: Float32Array.from([...corners, ...corners].flat()),
    embeddingSize: 2,
  });
  const previous: ClusterIndex = {
    type: 'clusters',
    centroids: Float32Array.of(4.5, 0, 4.5, 2),
    clusterClass: Int32Array.of(0, 0),
    assignments: new Int32Array(8),
    variance: 1,
    embeddingSize: 2,
  };
  const { index: warm } = buildClusterIndex({ ...rectangle, previous });
  expect([...warm.centroids]).toEqual([4.5, 0, 4.5, 2]);
  const { index: cold } = buildClusterIndex(rectangle);
  expect(cold.variance).toBeCloseTo(8 / 7, 12);
});

test('an empty cluster is re-seeded at a refresh', () => {
  const previous: ClusterIndex = {
    type: 'clusters',
    centroids: Float32Array.of(0, 36, 1e6),
    clusterClass: Int32Array.of(0, 0, 0),
    assignments: new Int32Array(6),
    variance: 1,
    embeddingSize: 1,
  };
  const values = [0, 0, 10, 10, 100, 100];
  const { index } = buildClusterIndex(request(values, [0, 0, 0, 0, 0, 0], { clustersPerClass: 3, previous }));
  // The third takes one 100 first; then the second has both, and the third takes a 0, the farthest from 5.
  expect([...index.centroids]).toEqual([10, 100, 0]);
});

test('a class with another number of clusters than before begins with K-means++', () => {
  const { index: previous } = buildClusterIndex({ ...random, clustersPerClass: 2 });
  const later = { ...random, clustersPerClass: 3, epoch: 2 };
  expect(buildClusterIndex({ ...later, previous })).toEqual(buildClusterIndex(later));
});

test('the refit has max(1, ⌊K/2⌋) clusters a fine class, never more than a third of its members, at least 1', () => {
  const count = (members: number, clustersPerClass: number): number =>
    buildRefitIndex({
      // pairs and triples far apart, so that no cluster is left alone
      embeddings: Float32Array.from({ length: members + 3 }, (_, row) => Math.floor(row / 3) * 1000 + (row % 3)),
      embeddingSize: 1,
      fineClasses: Int32Array.from({ length: members + 3 }, (_, row) => (row < members ? 0 : 1)),
      fineClassNames: ['a', 'b'],
      clustersPerClass,
      seed: 1,
    }).clusterClass.filter((classId) => classId === 0).length;
  expect([1, 2, 3, 4, 6, 7].map((K) => count(12, K))).toEqual([1, 1, 1, 2, 3, 3]);
  expect([2, 3, 5, 6, 9, 12].map((members) => count(members, 64))).toEqual([1, 1, 1, 2, 3, 4]);
});

test('the refit groups by fine class', () => {
  const { clusterClass, centroids, assignments } = buildRefitIndex({
    embeddings: Float32Array.of(0, 10, 2, 20, 4, 30),
    embeddingSize: 1,
    fineClasses: Int32Array.of(1, 0, 1, 0, 1, 0),
    fineClassNames: ['a', 'b'],
    clustersPerClass: 2,
    seed: 1,
  });
  expect([[...clusterClass], [...centroids], [...assignments]]).toEqual([
    [0, 1],
    [20, 2],
    [1, 0, 1, 0, 1, 0],
  ]);
});
