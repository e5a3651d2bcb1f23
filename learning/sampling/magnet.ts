/**
 * Batches for the Magnet loss (Rippel et al. 2015, §3.2): a seed cluster drawn in proportion to the mean cached loss of its
 * members, its nearest impostor clusters, and D examples of each. Rows cluster by cluster, the seed cluster first.
 *
 * Our reading where the paper is silent (METHOD §3): an example never seen counts with the mean of the seen ones; where all
 * weights are 0 the seed cluster is uniform; where fewer than M − 1 impostor clusters exist, all M' clusters of the batch
 * have D' = ⌊M·D/M'⌋ examples; a cluster of fewer than D repeats members only as far as needed.
 */
import type { MagnetOptions } from '../../config/objective';
import { LodestoneError } from '../../errors';
import { squaredDistance } from '../index/distance';
import type { ClusterIndex } from '../index/run-index';
import { rngFor, type Rng } from '../random';
import type { TrainingData } from '../training-data';
import type { Batch, LossState, Sampler } from './sampler';

const { floor } = Math;
const { POSITIVE_INFINITY } = Number;

/** Throws DataRejected where the index holds clusters of one class only. */
export function magnetSampler(
  { clustersPerBatch, examplesPerCluster }: Pick<MagnetOptions, 'clustersPerBatch' | 'examplesPerCluster'>,
  data: TrainingData,
  index: ClusterIndex,
  seed: number,
): Sampler {
  const { clusterClass, assignments } = index;
  if (clusterClass.every((classId) => classId === clusterClass[0])) {
    throw new LodestoneError(
      'DataRejected',
      `data: got training examples of one class, ${data.classes[clusterClass[0]]}; a batch needs an impostor cluster of ` +
        'another class. Give at least two classes.',
    );
  }
  const members: number[][] = Array.from(clusterClass, () => []);
  assignments.forEach((cluster, row) => members[cluster].push(row));
  const impostors = new Map<number, number[]>();
  const losses = new Float32Array(assignments.length);
  const seen = new Uint8Array(assignments.length);

  const impostorsOf = (cluster: number): number[] => {
    const known = impostors.get(cluster) ?? nearestImpostorClusters(index, cluster, clustersPerBatch - 1);
    impostors.set(cluster, known);
    return known;
  };

  return {
    draw(epoch: number, step: number): Batch {
      const rng = rngFor(seed, 'magnet batch', epoch, step);
      const seedCluster = drawProportional(clusterWeights(index, { losses, seen }), rng);
      const clusters = [seedCluster, ...impostorsOf(seedCluster)];
      const perCluster = floor((clustersPerBatch * examplesPerCluster) / clusters.length);
      const trainRows = clusters.flatMap((cluster) => sampleMembers(members[cluster], perCluster, rng));
      return {
        examples: trainRows.map((row) => data.train[row]),
        trainRows,
        clusterClass: Int32Array.from(clusters, (cluster) => clusterClass[cluster]),
        examplesPerCluster: perCluster,
      };
    },
    /** Of an example that stands in the batch twice, the later loss counts. */
    record(trainRows: readonly number[], batchLosses: Float32Array): void {
      trainRows.forEach((row, i) => {
        losses[row] = batchLosses[i];
        seen[row] = 1;
      });
    },
    state: () => ({ losses: losses.slice(), seen: seen.slice() }),
    restore(state: LossState): void {
      losses.set(state.losses);
      seen.set(state.seen);
    },
  };
}

/**
 * Mean cached loss of each cluster's members, float64 [L]. Summed anew each time, in row order: sums carried from step to
 * step would not have the same bits after a restart.
 */
export function clusterWeights({ clusterClass, assignments }: ClusterIndex, { losses, seen }: LossState): Float64Array {
  let total = 0;
  let count = 0;
  for (let row = 0; row < seen.length; row++) {
    if (seen[row] === 0) continue;
    total += losses[row];
    count++;
  }
  const unseen = count === 0 ? 0 : total / count;
  const sums = new Float64Array(clusterClass.length);
  const sizes = new Int32Array(clusterClass.length);
  for (let row = 0; row < assignments.length; row++) {
    sums[assignments[row]] += seen[row] === 0 ? unseen : losses[row];
    sizes[assignments[row]]++;
  }
  for (let cluster = 0; cluster < sums.length; cluster++) sums[cluster] /= sizes[cluster];
  return sums;
}

/** A position, with probability proportional to its weight; uniform where all weights are 0. */
export function drawProportional(weights: Float64Array, rng: Rng): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  if (total === 0) return rng.nextInt(weights.length);
  let left = rng.next() * total;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) break;
  }
  return last; // rounding may leave nothing below 0: then the last that has weight
}

/** The `count` clusters of other classes nearest by centroid, or all where fewer exist; ties by cluster. */
export function nearestImpostorClusters(
  { centroids, clusterClass, embeddingSize }: ClusterIndex,
  cluster: number,
  count: number,
): number[] {
  const found: { readonly other: number; readonly distance: number }[] = [];
  for (let other = 0; other < clusterClass.length; other++) {
    if (clusterClass[other] === clusterClass[cluster]) continue;
    const distance = squaredDistance(centroids, cluster, centroids, other, embeddingSize, POSITIVE_INFINITY);
    found.push({ other, distance });
  }
  found.sort((a, b) => a.distance - b.distance || a.other - b.other);
  return found.slice(0, count).map(({ other }) => other);
}

/** `count` members without replacement; a cluster of fewer gives all of them as often as they fit, then some of them. */
export function sampleMembers(members: readonly number[], count: number, rng: Rng): number[] {
  const rows: number[] = [];
  while (count - rows.length >= members.length) rows.push(...members);
  return [...rows, ...rng.sample(members, count - rows.length)];
}
