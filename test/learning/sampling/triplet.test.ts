/** Triplets: who may be a positive and who a negative. */
import type { EmbeddingIndex } from '../../../learning/index/run-index';
import { rngFor } from '../../../learning/random';
import { ImpostorSearch, selectRank, tripletSampler } from '../../../learning/sampling/triplet';
import { chiSquare, countsOf, dataOf } from './toy';

const classes = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3]; // class 3 has one example: a negative only
const data = dataOf(classes);
const rng = rngFor(2, 'embeddings');
const index: EmbeddingIndex = {
  type: 'embeddings',
  embeddings: Float32Array.from({ length: classes.length * 3 }, () => rng.normal()),
  embeddingSize: 3,
};
const squared = (a: number, b: number): number =>
  [0, 1, 2].reduce((sum, e) => sum + (index.embeddings[a * 3 + e] - index.embeddings[b * 3 + e]) ** 2, 0);

/** Written differently on purpose: a full sort with a comparator. */
function nearestBySort(anchor: number, count: number): number[] {
  const others = classes.map((_, row) => row).filter((row) => classes[row] !== classes[anchor]);
  others.sort((a, b) => squared(anchor, a) - squared(anchor, b) || a - b);
  return others.slice(0, count).sort((a, b) => a - b);
}

/** Every row that is drawn as a negative of the anchor, in ascending order. */
function drawnImpostors(of: EmbeddingIndex, anchor: number, fraction: number): number[] {
  const search = new ImpostorSearch(of, Int32Array.from(classes));
  const all = Int32Array.from(classes.keys());
  const draws = rngFor(5, 'impostors', anchor);
  const drawn = Array.from({ length: 400 }, () => search.draw(anchor, all, fraction, draws));
  return [...new Set(drawn)].sort((a, b) => a - b);
}

test('impostors are the nearest fraction of the other classes’ rows, at least one', () => {
  for (const anchor of classes.keys()) {
    const others = classes.filter((classId) => classId !== classes[anchor]).length;
    expect(drawnImpostors(index, anchor, 0.4)).toEqual(nearestBySort(anchor, Math.floor(0.4 * others)));
    expect(drawnImpostors(index, anchor, 1e-6)).toEqual(nearestBySort(anchor, 1));
    expect(drawnImpostors(index, anchor, 1)).toEqual(nearestBySort(anchor, others));
  }
});

test('equal distances are taken in the order of rows', () => {
  const flat: EmbeddingIndex = { type: 'embeddings', embeddings: new Float32Array(15), embeddingSize: 1 };
  expect(drawnImpostors(flat, 0, 0.3)).toEqual([4, 5, 6]);
});

test('selectRank finds what a full sort has at that place', () => {
  const draws = rngFor(3, 'ranks');
  for (let round = 0; round < 300; round++) {
    const size = 1 + draws.nextInt(40);
    const distances = Float64Array.from({ length: size }, () => draws.nextInt(12)); // many ties
    const rows = draws.shuffle([...distances.keys()]);
    const sorted = [...rows].sort((a, b) => distances[a] - distances[b] || a - b);
    const rank = draws.nextInt(size);
    expect(selectRank(Int32Array.from(rows), distances, rank)).toBe(sorted[rank]);
  }
});

test('of more than 4,096 rows, negatives are sought among 4,096 of them: near ones, and others for each anchor', () => {
  const count = 12_000;
  const many = Array.from({ length: count }, (_, row) => (row < 2000 ? 0 : 1));
  const line: EmbeddingIndex = {
    type: 'embeddings',
    embeddings: Float32Array.from({ length: count }, (_, row) => Math.max(0, row - 2000)),
    embeddingSize: 1,
  };
  const sampler = tripletSampler({ triplets: 4, impostorFraction: 0.1 }, dataOf(many), line, 1);
  const negatives: number[] = [];
  for (let step = 0; step < 300; step++) {
    const { trainRows } = sampler.draw(1, step);
    for (let i = 0; i < trainRows.length; i += 3) if (trainRows[i] < 2000) negatives.push(trainRows[i + 2] - 2000);
  }
  // Anchors of class 0 all stand at 0: the nearest tenth of the 10,000 others are the first 1,000. In samples of about
  // 3,400 the tenth ends near there: ±6 standard deviations, √(0.1 · 0.9 / 3,400) of the set each.
  expect(negatives.length).toBeGreaterThan(100);
  expect(Math.max(...negatives)).toBeLessThan(10_000 * (0.1 + 6 * 0.0052));
  expect(new Set(negatives.map((row) => Math.floor(row / 100))).size).toBeGreaterThan(9);
});

test('rows are anchor, positive, negative; positives are uniform in the class, negatives among the impostors', () => {
  const sampler = tripletSampler({ triplets: 5, impostorFraction: 0.4 }, data, index, 1);
  const anchors: number[] = [];
  const positives = new Map<number, number[]>();
  const negatives = new Map<number, number[]>();
  for (let step = 0; step < 4000; step++) {
    const { trainRows, examples, clusterClass, examplesPerCluster } = sampler.draw(1, step);
    expect([trainRows.length, clusterClass, examplesPerCluster]).toEqual([15, null, null]);
    expect(examples).toEqual(trainRows.map((row) => data.train[row]));
    for (let i = 0; i < 15; i += 3) {
      const [anchor, positive, negative] = trainRows.slice(i, i + 3);
      anchors.push(anchor);
      positives.set(anchor, [...(positives.get(anchor) ?? []), positive]);
      negatives.set(anchor, [...(negatives.get(anchor) ?? []), negative]);
    }
  }
  // 36.12: χ² with 13 degrees of freedom at one in a thousand; the smaller draws below have fewer.
  expect(chiSquare(countsOf(anchors, 14), Array<number>(14).fill(1 / 14))).toBeLessThan(36.12);
  expect(anchors).not.toContain(14);
  for (const anchor of [0, 7, 13]) {
    const mates = classes.flatMap((classId, row) => (classId === classes[anchor] && row !== anchor ? [row] : []));
    const impostors = nearestBySort(anchor, Math.floor(0.4 * (classes.length - mates.length - 1)));
    for (const [drawn, allowed] of [
      [positives.get(anchor) ?? [], mates],
      [negatives.get(anchor) ?? [], impostors],
    ]) {
      const places = drawn.map((row) => allowed.indexOf(row));
      expect(places).not.toContain(-1);
      expect(chiSquare(countsOf(places, allowed.length), allowed.map(() => 1 / allowed.length))).toBeLessThan(36.12); // prettier-ignore
    }
  }
});

test('D1: batches depend on seed, epoch and step alone; losses change nothing', () => {
  const fresh = (seed = 1): ReturnType<typeof tripletSampler> =>
    tripletSampler({ triplets: 5, impostorFraction: 0.4 }, data, index, seed);
  const used = fresh();
  used.record(used.draw(1, 0).trainRows, Float32Array.of(1, 2, 3, 4, 5));
  expect(used.draw(3, 2)).toEqual(fresh().draw(3, 2));
  expect(used.state()).toBeNull();
  const batches = [fresh().draw(3, 2), fresh().draw(3, 1), fresh().draw(2, 2), fresh(2).draw(3, 2)];
  expect(new Set(batches.map(({ trainRows }) => trainRows.join())).size).toBe(4);
});

test('data without a triplet are refused', () => {
  const options = { triplets: 1, impostorFraction: 1 };
  for (const few of [
    [0, 1, 2],
    [0, 0, 0],
  ]) {
    expect(() => tripletSampler(options, dataOf(few), index, 1)).toThrow('a triplet needs them');
  }
});
