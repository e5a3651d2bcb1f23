/** Clusters in the space of inner products are those of the embeddings. */
import { CentredPoints, type Points } from '../../../learning/index/centred-points';
import { clusterByGram } from '../../../learning/index/gram';
import { inertiaOf, means } from '../../../learning/index/clustering';
import { kMeans, kMeansFrom } from '../../../learning/index/k-means';
import type { RowProducts } from '../../../learning/index/seeds';
import { rngFor } from '../../../learning/random';

/** `groups` heaps of rows around centres of their own, all of it far from the origin. */
function heaps(seed: number, count: number, embeddingSize: number, groups: number, spread: number): Points {
  const rng = rngFor(seed, 'heaps');
  const centres = Array.from({ length: groups * embeddingSize }, () => 50 + rng.normal());
  return {
    embeddings: Float32Array.from(
      { length: count * embeddingSize },
      (_, i) =>
        centres[(Math.floor(i / embeddingSize) % groups) * embeddingSize + (i % embeddingSize)] + spread * rng.normal(),
    ),
    embeddingSize,
    rows: Int32Array.from({ length: count }, (_, i) => i),
  };
}

function gramIn(points: Points): RowProducts {
  const centred = new CentredPoints(points);
  const gram = centred.allProducts();
  centred.dispose();
  return gram;
}

test('it ends where the iterations over the embeddings end, and knows their inertia to float32', () => {
  for (const seed of [1, 2, 3, 4]) {
    const points = heaps(seed, 150, 24, 6, 0.7);
    const { assignments, inertia } = clusterByGram(gramIn(points), 6, rngFor(seed, 'seeds'));
    const centroids = means(points, assignments, 6);
    const plain = inertiaOf(points, centroids, assignments);
    expect(inertia / plain).toBeCloseTo(1, 4);
    expect(kMeansFrom(points, centroids).assignments).toEqual(assignments);
  }
});

test('no cluster is empty, not even of equal rows', () => {
  const equal: Points = {
    embeddings: new Float32Array(20).fill(3),
    embeddingSize: 2,
    rows: Int32Array.from({ length: 10 }, (_, i) => i),
  };
  for (let seed = 0; seed < 50; seed++) {
    const { assignments, inertia } = clusterByGram(gramIn(equal), 7, rngFor(seed, 'seeds'));
    expect(new Set(assignments).size).toBe(7);
    expect(inertia).toBe(0);
  }
});

test('of many rows a sample is clustered first: heaps that lie apart are found, and each row is with its own', () => {
  const groups = 12;
  const points = heaps(5, 6000, 8, groups, 0.05);
  const streams = [1, 2, 3, 4].map((stream) => rngFor(5, 'stream', stream));
  const { assignments } = kMeans(points, groups, streams);
  expect(new Set([...assignments].map((cluster, i) => `${cluster} ${i % groups}`)).size).toBe(groups);
});
