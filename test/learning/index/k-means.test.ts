/** K-means against every possible partition, and what its iterations promise. */
import type { Points } from '../../../learning/index/centred-points';
import { inertiaOf, means } from '../../../learning/index/clustering';
import { kMeans, kMeansFrom } from '../../../learning/index/k-means';
import { rngFor } from '../../../learning/random';

function pointsOf(values: readonly number[], embeddingSize = 1): Points {
  const count = values.length / embeddingSize;
  return {
    embeddings: Float32Array.from(values),
    embeddingSize,
    rows: Int32Array.from({ length: count }, (_, i) => i),
  };
}

function randomPoints(seed: number, count: number, embeddingSize: number): Points {
  const rng = rngFor(seed, 'points');
  return pointsOf(
    Array.from({ length: count * embeddingSize }, () => rng.normal()),
    embeddingSize,
  );
}

/** Σ‖r − μ‖² of a partition, computed plainly. */
function plainInertia({ embeddings, embeddingSize, rows }: Points, assignments: ArrayLike<number>, k: number): number {
  let sum = 0;
  for (let cluster = 0; cluster < k; cluster++) {
    const members = [...rows].filter((_, i) => assignments[i] === cluster);
    for (let e = 0; e < embeddingSize; e++) {
      const values = members.map((row) => embeddings[row * embeddingSize + e]);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      for (const value of values) sum += (value - mean) ** 2;
    }
  }
  return sum;
}

/** The partition of least inertia of all k^n. */
function bestPartition(points: Points, k: number): { assignments: Int32Array; inertia: number } {
  const n = points.rows.length;
  let best = { assignments: new Int32Array(n), inertia: Infinity };
  for (let code = 0; code < k ** n; code++) {
    const assignments = Int32Array.from({ length: n }, (_, i) => Math.floor(code / k ** i) % k);
    const inertia = new Set(assignments).size === k ? plainInertia(points, assignments, k) : Infinity;
    if (inertia < best.inertia) best = { assignments, inertia };
  }
  return best;
}

const streams = (count: number, seed = 1): ReturnType<typeof rngFor>[] =>
  Array.from({ length: count }, (_, i) => rngFor(seed, 'test', i));

const sizes = [
  [8, 2],
  [7, 3],
  [6, 4],
] as const;

test('the best of all partitions is a fixed point', () => {
  for (const [n, k] of sizes) {
    for (const seed of [1, 2, 3]) {
      const points = randomPoints(seed, n, 2);
      const best = bestPartition(points, k);
      const found = kMeansFrom(points, means(points, best.assignments, k));
      expect(found.assignments).toEqual(best.assignments);
      expect(found.inertia).toBeCloseTo(best.inertia, 12);
    }
  }
});

test('twenty restarts find the best of all partitions nearly always, and never claim less than it', () => {
  let found = 0;
  for (const [n, k] of sizes) {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const points = randomPoints(seed, n, 2);
      const { assignments, inertia } = kMeans(points, k, streams(20));
      const best = bestPartition(points, k);
      expect(inertia).toBeCloseTo(plainInertia(points, assignments, k), 10);
      expect(inertia).toBeGreaterThan(best.inertia - 1e-9);
      if (inertia < best.inertia + 1e-9) found++;
    }
  }
  expect(found).toBeGreaterThanOrEqual(20); // of 24: Lloyd's iterations end in local minima
});

test('four restarts find groups that are far apart', () => {
  const rng = rngFor(9, 'groups');
  const values = Array.from({ length: 60 }, (_, i) => (i % 5) * 100 + rng.normal());
  const { assignments } = kMeans(pointsOf(values), 5, streams(4));
  expect(new Set([...assignments].map((cluster, i) => `${cluster} ${i % 5}`)).size).toBe(5);
});

test('more restarts never end higher', () => {
  const points = randomPoints(5, 60, 3);
  const [one, four] = [kMeans(points, 8, streams(1)).inertia, kMeans(points, 8, streams(4)).inertia];
  expect(four).toBeLessThanOrEqual(one);
});

test('K1: the inertia never rises between iterations, and the end is a fixed point', () => {
  const points = randomPoints(6, 200, 20); // more dimensions than one stride of the distance
  const inertias: number[] = [];
  const found = kMeansFrom(points, points.embeddings.slice(0, 7 * 20), (inertia) => inertias.push(inertia));
  expect(inertias.length).toBeGreaterThan(3);
  inertias.slice(1).forEach((inertia, i) => expect(inertia).toBeLessThanOrEqual(inertias[i]));
  expect(found.inertia).toBe(inertias.at(-1));
  expect(found.inertia).toBeCloseTo(plainInertia(points, found.assignments, 7), 8);
  expect(found.centroids).toEqual(means(points, found.assignments, 7));

  const again = kMeansFrom(points, found.centroids);
  expect(again.assignments).toEqual(found.assignments);
  for (const row of points.rows) {
    const distances = Array.from({ length: 7 }, (_, cluster) =>
      inertiaOf({ ...points, rows: Int32Array.of(row) }, found.centroids, Int32Array.of(cluster)),
    );
    expect(distances[found.assignments[row]]).toBe(Math.min(...distances));
  }
});

test('K2: an empty cluster takes the row farthest from its centroid', () => {
  // The third centroid is nobody's nearest; 40 is farthest from its own.
  const { assignments, centroids } = kMeansFrom(pointsOf([0, 1, 10, 11, 40]), Float64Array.of(0, 12, 1000));
  expect([...assignments]).toEqual([0, 0, 1, 1, 2]);
  expect([...centroids]).toEqual([0.5, 10.5, 40]);
});

test('K2: equal rows end, with every cluster filled by the first of them', () => {
  const { assignments, inertia } = kMeans(pointsOf([5, 5, 5, 5, 5, 5]), 3, streams(2));
  expect(new Set(assignments).size).toBe(3);
  expect(inertia).toBe(0);
  expect([...kMeansFrom(pointsOf([5, 5, 5, 5]), Float64Array.of(5, 5)).assignments]).toEqual([1, 0, 0, 0]);
});

test('a row between two centroids belongs to the first', () => {
  expect([...kMeansFrom(pointsOf([0, 2, 1]), Float64Array.of(0, 2)).assignments]).toEqual([0, 1, 0]);
});

test('only the given rows count', () => {
  const all = pointsOf([0, 500, 1, 600, 10, 700, 11]);
  const { assignments, centroids } = kMeansFrom({ ...all, rows: Int32Array.of(0, 2, 4, 6) }, Float64Array.of(0, 10));
  expect([...assignments]).toEqual([0, 0, 1, 1]);
  expect([...centroids]).toEqual([0.5, 10.5]);
});

test('of many rows too, the same streams give the same bits, and nearly the inertia of what is known', () => {
  const [groups, embeddingSize, count] = [70, 8, 6000];
  const rng = rngFor(11, 'groups');
  const centres = Array.from({ length: groups * embeddingSize }, () => 5 * rng.normal());
  const values = Array.from({ length: count * embeddingSize }, (_, i) => {
    const row = Math.floor(i / embeddingSize);
    return centres[(row % groups) * embeddingSize + (i % embeddingSize)] + 0.3 * rng.normal();
  });
  const points = pointsOf(values, embeddingSize);
  const found = kMeans(points, groups, streams(2));
  const again = kMeans(points, groups, streams(2));
  expect(again).toEqual(found);
  expect(found.centroids).toEqual(means(points, found.assignments, groups));
  const known = Int32Array.from({ length: count }, (_, row) => row % groups);
  expect(found.inertia).toBeLessThan(1.05 * inertiaOf(points, means(points, known, groups), known));
});
