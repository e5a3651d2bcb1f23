/**
 * The cluster index of a refresh: K-means per class over all training embeddings (Rippel et al. 2015, eq. 2), and the
 * index that a kNC read-out of fine classes is refitted on. Embeddings in, index out; does not know how they came about.
 */
import { rngFor } from '../random';
import { squaredDistance } from './distance';
import type { Points } from './centred-points';
import { clusteringOf, type Clustering } from './clustering';
import { kMeans, kMeansFrom } from './k-means';
import type { ClusterIndex } from './run-index';

export interface ClusterRequest {
  /** float32 [N, E], all of the same weights. */
  readonly embeddings: Float32Array;
  readonly embeddingSize: number;
  /** int32 [N] */
  readonly classes: Int32Array;
  readonly classNames: readonly string[];
  /** K */
  readonly clustersPerClass: number;
  /** Of the refresh before, to start from; null: K-means++. */
  readonly previous: ClusterIndex | null;
  readonly seed: number;
  readonly epoch: number;
}

export interface RefitRequest {
  /** float32 [N, E] */
  readonly embeddings: Float32Array;
  readonly embeddingSize: number;
  /** int32 [N] */
  readonly fineClasses: Int32Array;
  readonly fineClassNames: readonly string[];
  /** K of the run. */
  readonly clustersPerClass: number;
  readonly seed: number;
}

/** Tries of K-means++ where there is nothing to start from. */
export const RESTARTS = 2;
/** Classes that a warning names before it counts the rest. */
const NAMED = 20;

const { floor, max, min } = Math;

/**
 * K_c = min(K, ⌊n_c/2⌋) clusters of each class, at least 1. Starts from the previous centroids of a class that has as many,
 * else from K-means++. Clusters under two members are merged into the nearest of their class: a lone example is its own
 * mean. A class without training examples has no cluster.
 */
export function buildClusterIndex(request: ClusterRequest): { index: ClusterIndex; warnings: string[] } {
  const { embeddings, embeddingSize, classNames, clustersPerClass, previous, seed, epoch } = request;
  const rowsOf = rowsByClass(request.classes, classNames.length);
  const clustersOf = rowsOf.map((rows) => clustersFor(rows.length, clustersPerClass));
  const fits = rowsOf.map((rows, classId) => {
    const start = previous && centroidsOf(previous, classId);
    return fitClass(
      { embeddings, embeddingSize, rows },
      clustersOf[classId],
      start?.length === clustersOf[classId] * embeddingSize ? start : ['kmeans', epoch, classId, seed],
    );
  });
  return { index: join(request, fits), warnings: loweredWarnings(request) };
}

/** What to say of an index whose K was lowered for some classes. */
export function loweredWarnings({
  classes,
  classNames,
  clustersPerClass,
}: Pick<ClusterRequest, 'classes' | 'classNames' | 'clustersPerClass'>): string[] {
  const rowsOf = rowsByClass(classes, classNames.length);
  const lowered = classNames.filter((_, id) => {
    const images = rowsOf[id].length;
    return images > 0 && clustersFor(images, clustersPerClass) < clustersPerClass;
  });
  if (lowered.length === 0) return [];
  const rest = lowered.length > NAMED ? ` and ${lowered.length - NAMED} more` : '';
  return [
    `clustersPerClass: got ${clustersPerClass}, lowered to half of the images in ${lowered.length} ` +
      `class${lowered.length === 1 ? '' : 'es'}: ${lowered.slice(0, NAMED).join(', ')}${rest}. ` +
      'Lower it, or give these classes more images.',
  ];
}

/**
 * Clusters fitted anew per fine class: max(1, ⌊K/2⌋) of them, never more than a third of the class's members, at least 1
 * (METHOD §4, kNC refit).
 */
export function buildRefitIndex(request: RefitRequest): ClusterIndex {
  const { embeddings, embeddingSize, fineClasses, fineClassNames, clustersPerClass, seed } = request;
  const fits = rowsByClass(fineClasses, fineClassNames.length).map((rows, classId) => {
    const clusters = max(1, min(floor(clustersPerClass / 2), floor(rows.length / 3)));
    return fitClass({ embeddings, embeddingSize, rows }, clusters, ['kmeans refit', 0, classId, seed]);
  });
  return join({ embeddings, embeddingSize }, fits);
}

/** Clusters of one class, none of them a lone example's where the class has more. */
interface ClassFit extends Clustering {
  readonly points: Points;
}

type Start = Float32Array | readonly [purpose: string, epoch: number, classId: number, seed: number];

function fitClass(points: Points, clusters: number, start: Start): ClassFit {
  if (points.rows.length === 0) {
    return { points, assignments: new Int32Array(0), centroids: new Float64Array(0), inertia: 0 };
  }
  if (start instanceof Float32Array) return merged({ points, ...kMeansFrom(points, start) });
  const [purpose, epoch, classId, seed] = start;
  const streams = Array.from({ length: clusters === 1 ? 1 : RESTARTS }, (_, restart) =>
    rngFor(seed, purpose, epoch, classId, restart),
  );
  return merged({ points, ...kMeans(points, clusters, streams) });
}

/** Merges the first cluster under two members into the nearest, again until none is left or all are one. */
function merged(fit: ClassFit): ClassFit {
  const { points, assignments, centroids } = fit;
  const { embeddingSize } = points;
  const clusters = centroids.length / embeddingSize;
  const sizes = new Int32Array(clusters);
  for (const cluster of assignments) sizes[cluster]++;
  const small = sizes.findIndex((size) => size < 2);
  if (small === -1 || clusters === 1) return fit;

  const target = nearestCentroid(centroids, embeddingSize, small);
  const fewer = assignments.map((cluster) => {
    const kept = cluster === small ? target : cluster;
    return kept > small ? kept - 1 : kept;
  });
  return merged({ points, ...clusteringOf(points, fewer, clusters - 1) });
}

function nearestCentroid(centroids: Float64Array, embeddingSize: number, cluster: number): number {
  let nearest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let other = 0; other * embeddingSize < centroids.length; other++) {
    if (other === cluster) continue;
    const distance = squaredDistance(centroids, cluster, centroids, other, embeddingSize, least);
    if (distance < least) {
      least = distance;
      nearest = other;
    }
  }
  return nearest;
}

/** One index of all classes' clusters, with the exact σ² = Σ‖r − μ(r)‖²/(N − 1) of eq. 4, in float64. */
function join(
  { embeddings, embeddingSize }: Pick<ClusterRequest, 'embeddings' | 'embeddingSize'>,
  fits: readonly ClassFit[],
): ClusterIndex {
  const count = embeddings.length / embeddingSize;
  const counts = fits.map(({ centroids }) => centroids.length / embeddingSize);
  const total = counts.reduce((sum, clusters) => sum + clusters, 0);
  const centroids = new Float32Array(total * embeddingSize);
  const clusterClass = new Int32Array(total);
  const assignments = new Int32Array(count);
  let first = 0;
  let squares = 0;
  fits.forEach((fit, classId) => {
    centroids.set(fit.centroids, first * embeddingSize);
    clusterClass.fill(classId, first, first + counts[classId]);
    fit.points.rows.forEach((row, i) => {
      assignments[row] = first + fit.assignments[i];
    });
    squares += fit.inertia;
    first += counts[classId];
  });
  return { type: 'clusters', centroids, clusterClass, assignments, variance: squares / (count - 1), embeddingSize };
}

function clustersFor(images: number, clustersPerClass: number): number {
  return max(1, min(clustersPerClass, floor(images / 2)));
}

function rowsByClass(classes: Int32Array, count: number): Int32Array[] {
  const rows: number[][] = Array.from({ length: count }, () => []);
  classes.forEach((classId, row) => rows[classId].push(row));
  return rows.map((list) => Int32Array.from(list));
}

/** The centroids of a class, which stand next to each other. */
function centroidsOf({ centroids, clusterClass, embeddingSize }: ClusterIndex, classId: number): Float32Array {
  const first = clusterClass.indexOf(classId);
  const end = clusterClass.lastIndexOf(classId) + 1;
  return first === -1 ? new Float32Array(0) : centroids.subarray(first * embeddingSize, end * embeddingSize);
}
