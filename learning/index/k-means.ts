/**
 * K-means of some rows of an embedding matrix (eq. 2: minimise Σ_k Σ_{r∈I_k} ‖r − μ_k‖²). Does not know classes.
 * Means and inertia are float64; the nearest centroid is found by float32 products and, where they cannot tell, by float64
 * distances. Deterministic: ties to the first row or cluster, random numbers of a given stream only.
 *
 * Invariants:
 *   K1  No iteration raises the inertia.
 *   K2  No cluster is empty; an empty one takes the row farthest from its centroid. Needs at least k rows.
 */
import type { Rng } from '../random';
import { CentredPoints, type Points } from './centred-points';
import { clusteringOf, inertiaOf, means, type Clustering } from './clustering';
import { squaredDistance } from './distance';
import { clusterByGram } from './gram';
import { nearestCentroids } from './nearest-centroids';
import { valueError } from './products';
import { spreadSeeds } from './seeds';

const MAX_ITERATIONS = 100;
/** Of more rows a sample is clustered first: where the iterations over all rows begin. Drawn are so many for each cluster. */
const SAMPLED_PER_CLUSTER = 32;
/** So few are clustered by all their products with each other, as often as there are streams; of more, one try is made. */
const FEW = 2048;
/** The iterations end when no more than one in so many rows moves: none, of fewer rows. */
const SETTLED = 250;

const { floor, max } = Math;
const { POSITIVE_INFINITY } = Number;

/**
 * From spread seeds (seeds.ts). Of few rows as often as there are streams; the lowest inertia is kept, the first among equals.
 * It is a fixed point of fewer than 250 rows.
 */
export function kMeans(points: Points, k: number, streams: readonly Rng[]): Clustering {
  const sample = sampleOf(points, k, streams[0]);
  const centred = new CentredPoints(sample);
  try {
    if (sample.rows.length > FEW)
      return kMeansFrom(points, iterate(centred, seedCentroids(centred, k, streams[0]), null).centroids);
    const gram = centred.allProducts();
    const tries = streams.map((rng) => clusterByGram(gram, k, rng));
    const best = tries.reduce((least, next) => (next.inertia < least.inertia ? next : least));
    if (sample !== points) return kMeansFrom(points, means(sample, best.assignments, k));
    // Where float32 can tell each row's nearest mean, what it found is a fixed point of the exact iterations already.
    if (isClear(centred, best.gaps)) return clusteringOf(points, best.assignments, k);
    return iterate(centred, means(points, best.assignments, k), best.assignments);
  } finally {
    centred.dispose();
  }
}

/**
 * Lloyd's iterations from given centroids until hardly a row moves, at most 100.
 * @param start float [k, E]; left as it is
 * @param onIteration hears the inertia after each iteration
 */
export function kMeansFrom(
  points: Points,
  start: Float32Array | Float64Array,
  onIteration: ((inertia: number) => void) | null = null,
): Clustering {
  const centred = new CentredPoints(points);
  try {
    return iterate(centred, Float64Array.from(start), null, onIteration);
  } finally {
    centred.dispose();
  }
}

/** @param known the assignments whose means `start` is; null where it is no such thing */
function iterate(
  centred: CentredPoints,
  start: Float64Array,
  known: Int32Array | null,
  onIteration: ((inertia: number) => void) | null = null,
): Clustering {
  const { points } = centred;
  const { rows, embeddingSize } = points;
  const k = floor(start.length / embeddingSize);
  let assignments = known ?? new Int32Array(rows.length).fill(-1);
  let centroids = start;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const next = nearestCentroids(centred, centroids);
    fillEmpty(points, centroids, next, k);
    const moved = differences(next, assignments);
    if (moved === 0) break;
    assignments = next;
    centroids = means(points, assignments, k);
    onIteration?.(inertiaOf(points, centroids, assignments));
    if (moved * SETTLED < rows.length) break;
  }
  return clusteringOf(points, assignments, k);
}

/** All rows, or as many drawn ones as a try looks at. */
function sampleOf(points: Points, k: number, rng: Rng): Points {
  const size = max(FEW, SAMPLED_PER_CLUSTER * k);
  if (points.rows.length <= size) return points;
  return { ...points, rows: Int32Array.from(rng.sample([...points.rows], size)) };
}

/** float64 [k, E]: rows of a sample that lie apart. */
function seedCentroids(centred: CentredPoints, k: number, rng: Rng): Float64Array {
  const { embeddings, embeddingSize, rows } = centred.points;
  const centroids = new Float64Array(k * embeddingSize);
  spreadSeeds(centred.someProducts(), k, rng).rows.forEach((seed, cluster) => {
    const from = rows[seed] * embeddingSize;
    centroids.set(embeddings.subarray(from, from + embeddingSize), cluster * embeddingSize);
  });
  return centroids;
}

/** K2. Moves rows out of clusters of two or more only. */
function fillEmpty(points: Points, centroids: Float64Array, assignments: Int32Array, k: number): void {
  const sizes = new Int32Array(k);
  for (let i = 0; i < assignments.length; i++) sizes[assignments[i]]++;
  if (!sizes.includes(0)) return;
  const distances = Float64Array.from(assignments, (cluster, i) => distance(points, i, centroids, cluster));
  for (let cluster = 0; cluster < k; cluster++) {
    if (sizes[cluster] > 0) continue;
    let farthest = -1;
    for (let i = 0; i < assignments.length; i++) {
      if (sizes[assignments[i]] < 2) continue;
      if (farthest === -1 || distances[i] > distances[farthest]) farthest = i;
    }
    sizes[assignments[farthest]]--;
    sizes[cluster]++;
    assignments[farthest] = cluster;
    distances[farthest] = 0;
  }
}

/** ‖r − μ‖² of the i-th row. */
function distance({ embeddings, embeddingSize, rows }: Points, i: number, centroids: Float64Array, k: number): number {
  return squaredDistance(embeddings, rows[i], centroids, k, embeddingSize, POSITIVE_INFINITY);
}

/** @param gaps float64 [n]: how much farther than its mean the next nearest is from each row, in float32 */
function isClear({ lengths, points: { embeddingSize } }: CentredPoints, gaps: Float64Array): boolean {
  const longest = lengths.reduce((most, length) => max(most, length), 0);
  return gaps.every((gap, row) => gap > 2 * valueError(lengths[row], longest, embeddingSize));
}

function differences(a: Int32Array, b: Int32Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
