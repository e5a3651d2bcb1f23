/** The sampling rules of Magnet (METHOD §3). */
import type { ClusterIndex } from '../../../learning/index/run-index';
import { rngFor } from '../../../learning/random';
import { magnetSampler, sampleMembers } from '../../../learning/sampling/magnet';
import { chiSquare, countsOf, dataOf } from './toy';

/** Clusters on a line: class, position and number of members of each. */
function lineIndex(clusters: readonly (readonly [classId: number, at: number, size: number])[]): ClusterIndex {
  return {
    type: 'clusters',
    centroids: Float32Array.from(clusters, ([, at]) => at),
    clusterClass: Int32Array.from(clusters, ([classId]) => classId),
    assignments: Int32Array.from(clusters.flatMap(([, , size], cluster) => Array<number>(size).fill(cluster))),
    variance: 1,
    embeddingSize: 1,
  };
}

const dataFor = ({ assignments, clusterClass }: ClusterIndex): ReturnType<typeof dataOf> =>
  dataOf([...assignments].map((cluster) => clusterClass[cluster]));

const options = { clustersPerBatch: 3, examplesPerCluster: 2 };
const six = lineIndex([
  [0, 0, 5],
  [0, 10, 5],
  [1, 2, 5],
  [1, 11, 5],
  [2, 4, 5],
  [2, 30, 5],
]);
const rows = (index: ClusterIndex): number[] => [...index.assignments.keys()];
const draws = Array.from({ length: 4000 }, (_, step) => step);

/** Seed clusters of many steps, read off the first row of each batch. */
function seedClusters(index: ClusterIndex, lossOfRow: ((row: number) => number) | null): number[] {
  const sampler = magnetSampler(options, dataFor(index), index, 7);
  if (lossOfRow !== null) sampler.record(rows(index), Float32Array.from(rows(index), lossOfRow));
  return draws.map((step) => index.assignments[sampler.draw(1, step).trainRows[0]]);
}

test('seed clusters come in proportion to the mean loss of their members, whatever their sizes', () => {
  const index = lineIndex([
    [0, 0, 2],
    [0, 5, 20],
    [1, 1, 7],
    [1, 6, 3],
  ]);
  const means = [1, 2, 3, 4];
  const drawn = seedClusters(index, (row) => means[index.assignments[row]] + (row < 2 ? row - 0.5 : 0));
  const counts = countsOf(drawn, 4);
  // 16.27 is exceeded once in a thousand draws of χ² with 3 degrees of freedom; the seed is fixed.
  expect(chiSquare(counts, [0.1, 0.2, 0.3, 0.4])).toBeLessThan(16.27);
  // Control: neither uniform nor in proportion to the sum of losses.
  expect(chiSquare(counts, [0.25, 0.25, 0.25, 0.25])).toBeGreaterThan(100);
  const sums = means.map((mean, i) => mean * [2, 20, 7, 3][i]);
  const total = sums.reduce((a, b) => a + b, 0);
  expect(chiSquare(counts, sums.map((sum) => sum / total))).toBeGreaterThan(100); // prettier-ignore
});

test('without any loss and with losses of 0 alone the seed cluster is uniform', () => {
  for (const losses of [null, () => 0]) {
    // 20.52: χ² with 5 degrees of freedom at one in a thousand.
    expect(chiSquare(countsOf(seedClusters(six, losses), 6), Array<number>(6).fill(1 / 6))).toBeLessThan(20.52);
  }
});

test('a solved cluster is never the seed: its 0 is a loss, not a missing one', () => {
  const counts = countsOf(
    seedClusters(six, (row) => (six.assignments[row] === 2 ? 0 : 1)),
    6,
  );
  expect(counts[2]).toBe(0);
  expect(Math.min(...counts.filter((_, cluster) => cluster !== 2))).toBeGreaterThan(600);
});

test('the impostors are the nearest clusters of other classes by centroid distance, nearest first; ties by cluster', () => {
  const nearest = [
    [2, 4],
    [3, 4],
    [0, 4],
    [1, 4],
    [2, 0],
    [3, 1],
  ];
  const sampler = magnetSampler(options, dataFor(six), six, 7);
  const found = new Map<number, number[]>();
  for (const step of draws.slice(0, 200)) {
    const { trainRows, clusterClass, examplesPerCluster } = sampler.draw(1, step);
    const clusters = [0, 2, 4].map((i) => six.assignments[trainRows[i]]);
    expect(trainRows.map((row) => six.assignments[row])).toEqual(clusters.flatMap((cluster) => [cluster, cluster]));
    expect([...(clusterClass ?? [])]).toEqual(clusters.map((cluster) => six.clusterClass[cluster]));
    expect(examplesPerCluster).toBe(2);
    found.set(clusters[0], clusters.slice(1));
  }
  expect([...found].sort(([a], [b]) => a - b)).toEqual(nearest.map((impostors, seed) => [seed, impostors]));

  const tied = lineIndex([
    [0, 0, 2],
    [1, 1, 2],
    [1, -1, 2],
    [2, 1, 2],
  ]);
  const batch = Array.from({ length: 50 }, (_, step) =>
    magnetSampler(options, dataFor(tied), tied, 7).draw(1, step),
  ).find(({ trainRows }) => tied.assignments[trainRows[0]] === 0);
  expect(batch?.trainRows.map((row) => tied.assignments[row])).toEqual([0, 0, 1, 1, 2, 2]);
});

test('a batch holds two classes at least; an index of one class is refused', () => {
  const two = lineIndex([
    [0, 0, 9],
    [0, 1, 9],
    [1, 50, 9],
  ]);
  const sampler = magnetSampler({ clustersPerBatch: 2, examplesPerCluster: 3 }, dataFor(two), two, 3);
  for (const step of draws.slice(0, 100)) {
    expect(new Set(sampler.draw(2, step).clusterClass).size).toBe(2);
  }
  const one = lineIndex([
    [0, 0, 4],
    [0, 1, 4],
  ]);
  expect(() => magnetSampler(options, dataFor(one), one, 3)).toThrow('got training examples of one class, class 0');
});

test('where fewer impostor clusters exist, M′ is what exists and D′ = ⌊M·D/M′⌋', () => {
  const few = lineIndex([
    [0, 0, 40],
    [1, 1, 40],
    [1, 2, 40],
  ]);
  const sampler = magnetSampler({ clustersPerBatch: 5, examplesPerCluster: 4 }, dataFor(few), few, 3);
  const sizes = new Set<string>();
  for (const step of draws.slice(0, 100)) {
    const { trainRows, clusterClass, examplesPerCluster } = sampler.draw(1, step);
    sizes.add(
      `${few.assignments[trainRows[0]]}: ${clusterClass?.length} x ${examplesPerCluster} = ${trainRows.length}`,
    );
  }
  expect([...sizes].sort()).toEqual(['0: 3 x 6 = 18', '1: 2 x 10 = 20', '2: 2 x 10 = 20']);
});

test('members come without replacement, uniformly; a small cluster repeats them only as far as needed', () => {
  const members = [3, 5, 7, 9, 11];
  const drawn: number[] = [];
  for (const step of draws) {
    const sample = sampleMembers(members, 2, rngFor(1, 'test', step));
    expect(new Set(sample).size).toBe(2);
    drawn.push(...sample.map((row) => members.indexOf(row)));
  }
  // 18.47: χ² with 4 degrees of freedom at one in a thousand (draws without replacement vary less).
  expect(chiSquare(countsOf(drawn, 5), Array<number>(5).fill(0.2))).toBeLessThan(18.47);

  const repeated = countsOf(sampleMembers([0, 1, 2], 8, rngFor(1, 'test')), 3);
  expect([...repeated].sort()).toEqual([2, 3, 3]);
  expect(sampleMembers(members, 5, rngFor(1, 'test')).sort((a, b) => a - b)).toEqual(members);
});

test('D1: batches depend on seed, epoch and step, not on earlier draws', () => {
  const fresh = (seed = 7): ReturnType<typeof magnetSampler> => magnetSampler(options, dataFor(six), six, seed);
  const used = fresh();
  for (const step of [0, 1, 2]) used.draw(1, step);
  expect(used.draw(2, 5)).toEqual(fresh().draw(2, 5));
  const batches = [fresh().draw(2, 5), fresh().draw(2, 6), fresh().draw(1, 5), fresh(8).draw(2, 5)];
  expect(new Set(batches.map(({ trainRows }) => trainRows.join())).size).toBe(4);
});

test('examples are indices into the data, trainRows positions among the training examples', () => {
  const data = dataFor(six);
  const { examples, trainRows } = magnetSampler(options, data, six, 7).draw(1, 0);
  expect(examples).toEqual(trainRows.map((row) => data.train[row]));
  expect(examples).not.toEqual(trainRows);
});

test('D2: losses outlive a refresh, per example, and the state is a copy', () => {
  const sampler = magnetSampler(options, dataFor(six), six, 7);
  sampler.record([0, 1, 29, 0], Float32Array.of(9, 4, 0, 2)); // the later loss of row 0 counts
  const state = sampler.state();
  expect(state && [state.losses[0], state.losses[1], state.losses[29]]).toEqual([2, 4, 0]);
  expect(state && rows(six).filter((row) => state.seen[row] === 1)).toEqual([0, 1, 29]);
  if (state === null) return;

  const other = lineIndex([
    [0, 0, 2],
    [0, 3, 8],
    [1, 2, 10],
    [2, 1, 9],
    [2, 8, 1],
  ]);
  const refreshed = magnetSampler(options, dataFor(other), other, 7);
  refreshed.restore(state);
  expect(refreshed.state()).toEqual(state);
  const seeds = draws.map((step) => other.assignments[refreshed.draw(1, step).trainRows[0]]);
  expect(chiSquare(countsOf(seeds, 5).slice(0, 4), [3 / 9, 2 / 9, 2 / 9, 2 / 9])).toBeLessThan(16.27);
  expect(seeds).not.toContain(4);

  sampler.record([5], Float32Array.of(100));
  refreshed.record([6], Float32Array.of(100));
  expect([state.losses[5], state.losses[6]]).toEqual([0, 0]);
});
