import fc from 'fast-check';
import { buildClusterIndex } from '../../../learning/index/cluster';
import { rngFor } from '../../../learning/random';
import { nearestNeighbours } from '../../../learning/readouts/neighbours';
import { outcomeOf, type Scores } from '../../../learning/readouts/scores';
import { histogramBallots, singleBallots, votedScores, type Ballots } from '../../../learning/readouts/votes';

function rowOf(scores: Scores, example: number): number[] {
  const values = new Float64Array(scores.classes);
  scores.write(example, values);
  return [...values];
}

/** p(c|r): scores are logarithms of unnormalised probabilities. */
function shares(scores: Scores, example: number): number[] {
  const weights = rowOf(scores, example).map(Math.exp);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

function scoresOnLine(query: number, references: readonly number[], ballots: Ballots, scale: number, L = 128): Scores {
  const neighbours = nearestNeighbours({
    queries: Float32Array.of(query),
    references: Float32Array.from(references),
    embeddingSize: 1,
    count: L,
    productMiB: 64,
  });
  return votedScores(neighbours, ballots, scale);
}

const ballotsOf = (...classes: number[]): Ballots => singleBallots(Int32Array.from(classes), Math.max(...classes) + 1);

test('eq. 6 by hand: three centroids on a line', () => {
  // r = 0, centroids at 1 (class 0), 2 (class 1), −2 (class 1), 2σ² = 2: weights e^−½, e^−2, e^−2
  const [first, second] = shares(scoresOnLine(0, [1, 2, -2], ballotsOf(0, 1, 1), 2), 0);
  const total = Math.exp(-0.5) + 2 * Math.exp(-2);
  expect(first).toBeCloseTo(Math.exp(-0.5) / total, 12);
  expect(second).toBeCloseTo((2 * Math.exp(-2)) / total, 12);
});

test('only the L nearest vote', () => {
  const scores = scoresOnLine(0, [1, 2, -2], ballotsOf(0, 1, 2), 2, 2);
  expect(rowOf(scores, 0)[2]).toBe(Number.NEGATIVE_INFINITY); // at the distance of class 1, later
  expect(rowOf(scores, 0)[1]).toBeCloseTo(-2, 12);
});

test('many votes from afar outweigh one that is nearer', () => {
  const scores = scoresOnLine(0, [1, 1.1, -1.1], ballotsOf(0, 1, 1), 2);
  expect(rowOf(scores, 0)[1]).toBeGreaterThan(rowOf(scores, 0)[0]);
});

test('no weight underflows: a query a million variances away still has an order', () => {
  const scores = scoresOnLine(1e6, [0, 1, 2], ballotsOf(0, 1, 2), 1);
  const row = rowOf(scores, 0);
  expect(row.every(Number.isFinite)).toBe(true);
  expect(row[2]).toBeGreaterThan(row[1]);
  expect(row[1]).toBeGreaterThan(row[0]);
});

test('a variance of 0, all of a class in one point, gives the nearest class and no NaN', () => {
  const row = rowOf(scoresOnLine(5, [5, 5, 6], ballotsOf(1, 1, 0), 0), 0);
  expect(row.some(Number.isNaN)).toBe(false);
  expect(row[1]).toBeGreaterThan(row[0]);
});

test('eq. 6 with K = 1 and L ≥ C is the nearest class mean', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
      const rng = rngFor(seed, 'test');
      const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => rng.normal());
      const embeddings = numbers(20 * 3);
      const classes = Int32Array.from({ length: 20 }, (_, row) => row % 5);
      const { index } = buildClusterIndex({
        embeddings,
        embeddingSize: 3,
        classes,
        classNames: ['a', 'b', 'c', 'd', 'e'],
        clustersPerClass: 1,
        previous: null,
        seed,
        epoch: 1,
      });
      const queries = numbers(10 * 3);
      const neighbours = nearestNeighbours({
        queries,
        references: index.centroids,
        embeddingSize: 3,
        count: 128,
        productMiB: 64,
      });
      const scores = votedScores(neighbours, singleBallots(index.clusterClass, 5), 2 * index.variance);
      const nearestMean = Array.from({ length: 10 }, (_, query) => {
        const distances = Array.from({ length: 5 }, (_class, id) => {
          const members = [...classes.keys()].filter((row) => classes[row] === id);
          return [0, 1, 2].reduce((sum, e) => {
            const mean = members.reduce((total, row) => total + embeddings[row * 3 + e], 0) / members.length;
            return sum + (queries[query * 3 + e] - mean) ** 2;
          }, 0);
        });
        return distances.indexOf(Math.min(...distances));
      });
      expect([...outcomeOf(scores, new Int32Array(10)).predicted]).toEqual(nearestMean);
    }),
    { seed: 3, numRuns: 50 },
  );
});

describe('kNC over its own σ²', () => {
  const rng = rngFor(4, 'test');
  const numbers = (count: number): number[] => Array.from({ length: count }, () => rng.normal());
  const train = numbers(24 * 4);
  const queries = numbers(12 * 4);
  const classes = Int32Array.from({ length: 24 }, (_, row) => row % 3);

  function kncShares(change: (x: number) => number, exponent = 1): number[][] {
    const { index } = buildClusterIndex({
      embeddings: Float32Array.from(train, change),
      embeddingSize: 4,
      classes,
      classNames: ['a', 'b', 'c'],
      clustersPerClass: 2,
      previous: null,
      seed: 1,
      epoch: 1,
    });
    const neighbours = nearestNeighbours({
      queries: Float32Array.from(queries, change),
      references: index.centroids,
      embeddingSize: 4,
      count: 128,
      productMiB: 64,
    });
    const scores = votedScores(neighbours, singleBallots(index.clusterClass, 3), 2 * index.variance ** exponent);
    return Array.from({ length: 12 }, (_, query) => shares(scores, query));
  }

  function farthest(a: readonly number[][], b: readonly number[][]): number {
    return Math.max(...a.flatMap((row, i) => row.map((share, c) => Math.abs(share - b[i][c]))));
  }

  test('does not change with the scale of the embeddings', () => {
    expect(
      farthest(
        kncShares((x) => x),
        kncShares((x) => 8 * x),
      ),
    ).toBeLessThan(1e-9); // 8: exact in float32
  });

  test('does not change with a shift of the embeddings', () => {
    expect(
      farthest(
        kncShares((x) => x),
        kncShares((x) => x + 2),
      ),
    ).toBeLessThan(1e-5); // float32 rounds the shifted ones
  });

  test('control: with σ⁴ for σ² it changes with the scale', () => {
    expect(
      farthest(
        kncShares((x) => x, 2),
        kncShares((x) => 8 * x, 2),
      ),
    ).toBeGreaterThan(0.01);
  });
});

test('a centroid votes with the histogram of its members', () => {
  // cluster 0: fine 1, 1, 2; cluster 1: fine 0
  const ballots = histogramBallots(Int32Array.of(0, 1, 0, 0), Int32Array.of(1, 0, 2, 1), 2, 4);
  const [zero, one, two, three] = shares(scoresOnLine(0, [1, -1], ballots, 2), 0);
  expect([zero, one, two, three].map((share) => Number(share.toFixed(12)))).toEqual([
    0.5, 0.333333333333, 0.166666666667, 0,
  ]);
});

test('histograms of clusters with one fine class each vote as single ballots do', () => {
  const single = rowOf(scoresOnLine(0.3, [1, 2, -2], ballotsOf(0, 1, 1), 2), 0);
  const histogram = histogramBallots(Int32Array.of(0, 0, 1, 2), Int32Array.of(0, 0, 1, 1), 3, 2);
  expect(rowOf(scoresOnLine(0.3, [1, 2, -2], histogram, 2), 0)).toEqual(single);
});
