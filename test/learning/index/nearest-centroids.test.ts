/** The nearest centroid, where float32 products can tell and where they cannot. */
import { squaredDistance } from '../../../learning/index/distance';
import { CentredPoints, type Points } from '../../../learning/index/centred-points';
import { nearestCentroids } from '../../../learning/index/nearest-centroids';
import { rngFor, type Rng } from '../../../learning/random';

function naive({ embeddings, embeddingSize, rows }: Points, centroids: Float64Array): number[] {
  return [...rows].map((row) => {
    const distances = Array.from({ length: centroids.length / embeddingSize }, (_, cluster) =>
      squaredDistance(embeddings, row, centroids, cluster, embeddingSize, Infinity),
    );
    return distances.indexOf(Math.min(...distances));
  });
}

function found(points: Points, centroids: Float64Array): number[] {
  const centred = new CentredPoints(points);
  try {
    return [...nearestCentroids(centred, centroids)];
  } finally {
    centred.dispose();
  }
}

const normal = (rng: Rng, count: number, scale = 1): number[] =>
  Array.from({ length: count }, () => scale * rng.normal());

test('is that of a plain search, over more rows than are multiplied at once, and of some rows only', () => {
  const rng = rngFor(1, 'rows');
  const embeddings = Float32Array.from(normal(rng, 20_000 * 4));
  const rows = Int32Array.from({ length: 18_000 }, (_, i) => i + Math.floor(i / 10));
  const points = { embeddings, embeddingSize: 4, rows };
  const centroids = Float64Array.from(normal(rng, 9 * 4));
  expect(found(points, centroids)).toEqual(naive(points, centroids));
});

test('centroids that products cannot tell apart are told apart', () => {
  const rng = rngFor(2, 'close');
  const far = normal(rng, 64, 1000);
  const near = (): number[] => far.map((value) => value + 0.01 * rng.normal());
  const opposite = far.map((value) => -value);
  const embeddings = Float32Array.from([...Array.from({ length: 50 }, near).flat(), ...opposite]);
  const points = { embeddings, embeddingSize: 64, rows: Int32Array.from({ length: 51 }, (_, i) => i) };
  const centroids = Float64Array.from([...near(), ...near(), ...near(), ...opposite]);
  const expected = naive(points, centroids);
  expect(new Set(expected).size).toBe(4);
  expect(found(points, centroids)).toEqual(expected);
});

test('of many centroids, which are looked at in blocks, it is that of a plain search; ties to the first', () => {
  const rng = rngFor(7, 'many');
  for (const k of [64, 75, 200]) {
    const embeddings = Float32Array.from(normal(rng, 900 * 6));
    const points = { embeddings, embeddingSize: 6, rows: Int32Array.from({ length: 900 }, (_, i) => i) };
    const centroids = Float64Array.from(normal(rng, k * 6));
    centroids.copyWithin((k - 1) * 6, 0, 6); // the last is the first again
    centroids.copyWithin(9 * 6, 6, 12); // another block holds the second again
    expect(found(points, centroids)).toEqual(naive(points, centroids));
  }
});
