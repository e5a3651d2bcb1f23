import fc from 'fast-check';
import { topConfusions } from '../../../learning/metrics/confusions';
import { retrievalDepth, retrievalOf, RetrievalTally, type Retrieval } from '../../../learning/metrics/retrieval';
import { nearestNeighbours, queriesBetween, searchInBlocks } from '../../../learning/readouts/neighbours';
import { rngFor } from '../../../learning/random';

function retrieve(points: readonly number[], classes: readonly number[]): Retrieval {
  const set = Float32Array.from(points);
  const ids = Int32Array.from(classes);
  const count = retrievalDepth(ids);
  return retrievalOf(
    nearestNeighbours({ queries: set, references: set, embeddingSize: 1, count, excludeSelf: true, productMiB: 64 }),
    ids,
  );
}

test('MAP@R, recall and precision by hand', () => {
  // 0 (a), 1 (b), 3 (a), 7 (a); the queries of a have R = 2, b is alone and left out
  // 0: b a a → relevant at 2: (1/2)(1/2) = 1/4;   3: b a a → 1/4;   7: a b a → (1/2)(1) = 1/2
  const { precision1, recall, mapAtR } = retrieve([0, 1, 3, 7], [0, 1, 0, 0]);
  expect(mapAtR).toBeCloseTo((0.25 + 0.25 + 0.5) / 3, 12);
  expect(precision1).toBeCloseTo(1 / 3, 12);
  expect(recall).toEqual({ '1': 1 / 3, '2': 1, '4': 1, '8': 1, '16': 1 });
});

test('classes apart from each other are retrieved whole', () => {
  const { precision1, mapAtR } = retrieve([0, 1, 2, 100, 101, 102], [0, 0, 0, 1, 1, 1]);
  expect([precision1, mapAtR]).toEqual([1, 1]);
});

test('where every example is alone in its class there is nothing to retrieve, and no NaN', () => {
  expect(retrieve([0, 1, 2], [0, 1, 2])).toMatchObject({ precision1: 0, mapAtR: 0 });
});

test('MAP@R is its definition on any set', () => {
  const example = fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 3 }));
  fc.assert(
    fc.property(fc.uniqueArray(example, { minLength: 2, maxLength: 30, selector: ([x]) => x * x + x }), (set) => {
      const points = set.map(([x]) => x);
      const classes = set.map(([, id]) => id);
      const terms = points.flatMap((x, query) => {
        const order = [...points.keys()]
          .filter((i) => i !== query)
          .sort((a, b) => (points[a] - x) ** 2 - (points[b] - x) ** 2 || a - b);
        const relevant = order.map((i) => classes[i] === classes[query]);
        const R = relevant.filter(Boolean).length;
        if (R === 0) return [];
        const precision = (i: number): number => relevant.slice(0, i).filter(Boolean).length / i;
        let sum = 0;
        for (let i = 1; i <= R; i++) if (relevant[i - 1]) sum += precision(i);
        return [sum / R];
      });
      const mean = terms.length === 0 ? 0 : terms.reduce((a, b) => a + b) / terms.length;
      expect(retrieve(points, classes).mapAtR).toBeCloseTo(mean, 12);
    }),
    { seed: 5, numRuns: 100 },
  );
});

test('from some queries after the other it is the same to the bit, however they are parted', async () => {
  const rng = rngFor(6, 'retrieval');
  const classes = Int32Array.from({ length: 900 }, () => rng.nextInt(4));
  const set = Float32Array.from({ length: 2 * classes.length }, () => rng.normal());
  const count = retrievalDepth(classes);
  const request = { queries: set, references: set, embeddingSize: 2, count, excludeSelf: true, productMiB: 1 };
  const whole = nearestNeighbours(request);
  const expected = retrievalOf(whole, classes);

  const parted = new RetrievalTally(classes);
  [0, 1, 400, 900].reduce((begin, end) => (parted.add(queriesBetween(whole, begin, end), begin), end));
  expect(parted.result()).toEqual(expected);

  const streamed = new RetrievalTally(classes);
  const begins: number[] = [];
  await searchInBlocks(request, (found, begin) => {
    expect(found.references).toEqual(queriesBetween(whole, begin, begin + found.queries).references);
    begins.push(begin);
    streamed.add(found, begin);
    return Promise.resolve();
  });
  expect(begins.length).toBeGreaterThan(1);
  expect(streamed.result()).toEqual(expected);
});

test('confusions: the most frequent first, right answers and missing ones left out', () => {
  const truth = Int32Array.of(0, 0, 1, 1, 2, 2, 2);
  const predicted = Int32Array.of(1, 0, 2, 2, -1, 0, 1);
  expect(topConfusions(truth, predicted, 3)).toEqual([
    { actual: 1, predicted: 2, count: 2 },
    { actual: 0, predicted: 1, count: 1 },
    { actual: 2, predicted: 0, count: 1 },
  ]);
});
