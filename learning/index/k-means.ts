/**
 * K-means of some rows of an embedding matrix (eq. 2: minimise Σ_k Σ_{r∈I_k} ‖r − μ_k‖²), in float64. Does not know classes.
 * Deterministic: sums in row order, ties to the first row or cluster, random numbers of a given stream only.
 *
 * Invariants:
 *   K1  No iteration raises the inertia.
 *   K2  No cluster is empty; an empty one takes the row farthest from its centroid. Needs at least k rows.
 */
import type { Rng } from '../random';
import { squaredDistance } from './distance';

export interface Points {
  /** float32 [N, E] */
  readonly embeddings: Float32Array;
  readonly embeddingSize: number;
  /** int32 [n], the rows of `embeddings` that are clustered. */
  readonly rows: Int32Array;
}

export interface Clustering {
  /** float64 [k, E]: the means of their members. */
  readonly centroids: Float64Array;
  /** int32 [n], the cluster of each of `rows`. */
  readonly assignments: Int32Array;
  /** Σ‖r − μ(r)‖² */
  readonly inertia: number;
}

const MAX_ITERATIONS = 100;

const { floor } = Math;
const { POSITIVE_INFINITY } = Number;

/** From centroids spread by K-means++, as often as there are streams; the lowest inertia is kept, the first among equals. */
export function kMeans(points: Points, k: number, streams: readonly Rng[]): Clustering {
  const found = streams.map((rng) => kMeansFrom(points, spreadCentroids(points, k, rng)));
  return found.reduce((best, next) => (next.inertia < best.inertia ? next : best));
}

/**
 * Lloyd's iterations from given centroids until no assignment changes, at most 100.
 * @param start float [k, E]; left as it is
 * @param onIteration hears the inertia after each iteration
 */
export function kMeansFrom(
  points: Points,
  start: Float32Array | Float64Array,
  onIteration: (inertia: number) => void = () => {},
): Clustering {
  const { rows, embeddingSize } = points;
  const k = floor(start.length / embeddingSize);
  const distances = new Float64Array(rows.length);
  let centroids: Float64Array = Float64Array.from(start);
  let assignments: Int32Array = new Int32Array(rows.length).fill(-1);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const next = assign(points, centroids, k, distances);
    fillEmpty(next, k, distances);
    if (same(next, assignments)) break;
    assignments = next;
    centroids = means(points, assignments, k);
    onIteration(inertiaOf(points, centroids, assignments));
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
  for (let i = 0; i < assignments.length; i++) sum += distance(points, i, centroids, assignments[i], POSITIVE_INFINITY);
  return sum;
}

/** K-means++ (Arthur and Vassilvitskii 2007): each next centroid is a row drawn in proportion to its squared distance. */
function spreadCentroids(points: Points, k: number, rng: Rng): Float64Array {
  const { embeddings, embeddingSize, rows } = points;
  const centroids = new Float64Array(k * embeddingSize);
  const nearest = new Float64Array(rows.length).fill(POSITIVE_INFINITY);
  let chosen = rng.nextInt(rows.length);
  for (let cluster = 0; cluster < k; cluster++) {
    if (cluster > 0) chosen = drawRow(nearest, rng);
    const from = rows[chosen] * embeddingSize;
    centroids.set(embeddings.subarray(from, from + embeddingSize), cluster * embeddingSize);
    for (let i = 0; i < rows.length; i++) {
      const found = distance(points, i, centroids, cluster, nearest[i]);
      if (found < nearest[i]) nearest[i] = found;
    }
  }
  return centroids;
}

function drawRow(weights: Float64Array, rng: Rng): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  if (total === 0) return rng.nextInt(weights.length); // fewer different rows than centroids
  let left = rng.next() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.length - 1;
}

/** The nearest centroid of each row; its distance goes to `distances`. */
function assign(points: Points, centroids: Float64Array, k: number, distances: Float64Array): Int32Array {
  const assignments = new Int32Array(distances.length);
  for (let i = 0; i < distances.length; i++) {
    let nearest = POSITIVE_INFINITY;
    for (let cluster = 0; cluster < k; cluster++) {
      const found = distance(points, i, centroids, cluster, nearest);
      if (found < nearest) {
        nearest = found;
        assignments[i] = cluster;
      }
    }
    distances[i] = nearest;
  }
  return assignments;
}

/** K2. Moves rows out of clusters of two or more only. */
function fillEmpty(assignments: Int32Array, k: number, distances: Float64Array): void {
  const sizes = new Int32Array(k);
  for (let i = 0; i < assignments.length; i++) sizes[assignments[i]]++;
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

/** ‖r − μ‖² of the i-th row; some number ≥ `limit` as soon as it is known to be no less. */
function distance(points: Points, i: number, centroids: Float64Array, cluster: number, limit: number): number {
  return squaredDistance(points.embeddings, points.rows[i], centroids, cluster, points.embeddingSize, limit);
}

function same(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
