/**
 * K-means of some rows of an embedding matrix (eq. 2: minimise Σ_k Σ_{r∈I_k} ‖r − μ_k‖²). Does not know classes.
 * Means and inertia are float64; the nearest centroid is found by float32 products and, where they cannot tell, by float64
 * distances. Deterministic: sums in row order, ties to the first row or cluster, random numbers of a given stream only.
 *
 * Invariants:
 *   K1  No iteration raises the inertia.
 *   K2  No cluster is empty; an empty one takes the row farthest from its centroid. Needs at least k rows.
 */
import type { Rng } from '../random';
import { CentredPoints, type Points } from './centred-points';
import { squaredDistance } from './distance';
import { clusterByGram, gramOf } from './gram';
import { nearestCentroids } from './nearest-centroids';

export interface Clustering {
  /** float64 [k, E]: the means of their members. */
  readonly centroids: Float64Array;
  /** int32 [n], the cluster of each of `rows`. */
  readonly assignments: Int32Array;
  /** Σ‖r − μ(r)‖² */
  readonly inertia: number;
}

const MAX_ITERATIONS = 100;
/** Of more rows, this many are drawn, and their clusters are where the iterations over all rows begin. */
const SAMPLE = 2048;
/** The iterations end when no more than one in so many rows moves: none, of fewer rows. */
const SETTLED = 1000;

const { floor, max } = Math;
const { POSITIVE_INFINITY } = Number;

/**
 * From centroids spread by K-means++, as often as there are streams; the lowest inertia is kept, the first among equals. It
 * is a fixed point of fewer than 1,000 rows.
 */
export function kMeans(points: Points, k: number, streams: readonly Rng[]): Clustering {
  const sample = sampleOf(points, k, streams[0]);
  const centred = new CentredPoints(sample);
  try {
    const gram = gramOf(centred);
    const found = streams.map((rng) => clusterByGram(gram, k, rng));
    const { assignments } = found.reduce((least, next) => (next.inertia < least.inertia ? next : least));
    const start = means(sample, assignments, k);
    return sample === points ? iterate(centred, start, assignments) : kMeansFrom(points, start);
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
    return iterate(centred, Float64Array.from(start), new Int32Array(points.rows.length).fill(-1), onIteration);
  } finally {
    centred.dispose();
  }
}

/** @param assignments whose means `start` is, or −1 where it is no such thing */
function iterate(
  centred: CentredPoints,
  start: Float64Array,
  assignments: Int32Array,
  onIteration: ((inertia: number) => void) | null = null,
): Clustering {
  const { points } = centred;
  const { rows, embeddingSize } = points;
  const k = floor(start.length / embeddingSize);
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
  return { centroids, assignments, inertia: inertiaOf(points, centroids, assignments) };
}

/** float64 [k, E]: the mean of each cluster's rows; every cluster has one. */
export function means({ embeddings, embeddingSize, rows }: Points, assignments: Int32Array, k: number): Float64Array {
  const centroids = new Float64Array(k * embeddingSize);
  const sizes = new Int32Array(k);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * embeddingSize;
    const to = assignments[i] * embeddingSize;
    for (let e = 0; e < embeddingSize; e++) centroids[to + e] += embeddings[from + e];
    sizes[assignments[i]]++;
  }
  for (let cluster = 0; cluster < k; cluster++) {
    const from = cluster * embeddingSize;
    for (let e = from; e < from + embeddingSize; e++) centroids[e] /= sizes[cluster];
  }
  return centroids;
}

export function inertiaOf(points: Points, centroids: Float64Array, assignments: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < assignments.length; i++) sum += distance(points, i, centroids, assignments[i]);
  return sum;
}

/** All rows, or as many drawn ones as a try looks at, eight a cluster at least. */
function sampleOf(points: Points, k: number, rng: Rng): Points {
  const size = max(SAMPLE, 8 * k);
  if (points.rows.length <= size) return points;
  return { ...points, rows: Int32Array.from(rng.sample([...points.rows], size)) };
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

function differences(a: Int32Array, b: Int32Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
