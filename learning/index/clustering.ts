/**
 * What a partition of rows comes to: the means of its clusters and the squared distances to them, in float64. Sums are in row
 * order within a cluster, cluster after cluster. Does not know how a partition is found.
 */
import type { Points } from './centred-points';
import { squaredDistancesTo } from './distance';

export interface Clustering {
  /** float64 [k, E]: the means of their members. */
  readonly centroids: Float64Array;
  /** int32 [n], the cluster of each of `rows`. */
  readonly assignments: Int32Array;
  /** Σ‖r − μ(r)‖² */
  readonly inertia: number;
}

/** @param assignments int32 [n], of k clusters, none of them empty */
export function clusteringOf(points: Points, assignments: Int32Array, k: number): Clustering {
  let inertia = 0;
  // One cluster after the other: its rows are in the caches still when the distances are computed.
  const centroids = meansOf(points, assignments, k, (mean, members) => {
    inertia += squaresTo(mean, points.embeddings, members);
  });
  return { centroids, assignments, inertia };
}

/** float64 [k, E]: the mean of each cluster's rows; every cluster has one. */
export function means(points: Points, assignments: Int32Array, k: number): Float64Array {
  return meansOf(points, assignments, k, null);
}

/** Σ‖r − μ‖² for any centroids. */
export function inertiaOf(points: Points, centroids: Float64Array, assignments: Int32Array): number {
  const { embeddings, embeddingSize } = points;
  const k = centroids.length / embeddingSize;
  let inertia = 0;
  membersOf(points, assignments, k).forEach((members, cluster) => {
    const centroid = centroids.subarray(cluster * embeddingSize, (cluster + 1) * embeddingSize);
    inertia += squaresTo(centroid, embeddings, members);
  });
  return inertia;
}

/** @param onMean hears each mean with its rows, cluster after cluster */
function meansOf(
  points: Points,
  assignments: Int32Array,
  k: number,
  onMean: ((mean: Float64Array, members: Int32Array) => void) | null,
): Float64Array {
  const { embeddings, embeddingSize } = points;
  const centroids = new Float64Array(k * embeddingSize);
  membersOf(points, assignments, k).forEach((members, cluster) => {
    const mean = centroids.subarray(cluster * embeddingSize, (cluster + 1) * embeddingSize);
    addRows(mean, embeddings, members);
    for (let e = 0; e < embeddingSize; e++) mean[e] /= members.length;
    onMean?.(mean, members);
  });
  return centroids;
}

/** The rows of each cluster, in their order. */
function membersOf({ rows }: Points, assignments: Int32Array, k: number): Int32Array[] {
  const sizes = new Int32Array(k);
  for (let i = 0; i < assignments.length; i++) sizes[assignments[i]]++;
  const members = Array.from(sizes, (size) => new Int32Array(size));
  sizes.fill(0);
  for (let i = 0; i < assignments.length; i++) members[assignments[i]][sizes[assignments[i]]++] = rows[i];
  return members;
}

/** Adds rows one after the other, four in one pass over the sums. */
function addRows(sums: Float64Array, matrix: Float32Array, rows: Int32Array): void {
  const size = sums.length;
  const whole = rows.length - (rows.length % 4);
  for (let i = 0; i < whole; i += 4) {
    const a = rows[i] * size;
    const b = rows[i + 1] * size;
    const c = rows[i + 2] * size;
    const d = rows[i + 3] * size;
    for (let e = 0; e < size; e++) sums[e] = sums[e] + matrix[a + e] + matrix[b + e] + matrix[c + e] + matrix[d + e];
  }
  for (let i = whole; i < rows.length; i++) {
    const from = rows[i] * size;
    for (let e = 0; e < size; e++) sums[e] += matrix[from + e];
  }
}

function squaresTo(centroid: Float64Array, matrix: Float32Array, rows: Int32Array): number {
  const distances = new Float64Array(rows.length);
  squaredDistancesTo(centroid, matrix, { rows, begin: 0, end: rows.length }, distances);
  let sum = 0;
  for (let i = 0; i < distances.length; i++) sum += distances[i];
  return sum;
}
