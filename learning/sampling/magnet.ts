/**
 * Batches for the Magnet loss (Rippel et al. 2015, §3.2): a seed cluster drawn in proportion to the mean cached loss of its
 * members, its nearest impostor clusters, and D examples of each. Rows cluster by cluster, the seed cluster first.
 *
 * Our reading where the paper is silent (METHOD §3): an example never seen counts with the mean of the seen ones; where all
 * weights are 0 the seed cluster is uniform; where fewer than M − 1 impostor clusters exist, all M' clusters of the batch
 * have D' = ⌊M·D/M'⌋ examples; a cluster of fewer than D repeats members only as far as needed.
 *
 * A step costs the same however many examples and clusters there are, but for a logarithm: nearest impostors are found once
 * for an index, weights are kept as sums that change where losses do.
 */
import type { MagnetOptions } from '../../config/objective';
import { LodestoneError } from '../../errors';
import { nearestImpostors } from '../index/impostors';
import type { ClusterIndex } from '../index/run-index';
import { rngFor, type Rng } from '../random';
import type { TrainingData } from '../training-data';
import { ClusterWeights } from './cluster-weights';
import type { Batch, LossState, Sampler } from './sampler';

const { floor } = Math;

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
  const impostors = nearestImpostors(index, clustersPerBatch - 1);
  const weights = new ClusterWeights(index);

  return {
    draw(epoch: number, step: number): Batch {
      const rng = rngFor(seed, 'magnet batch', epoch, step);
      const seedCluster = weights.draw(rng);
      const clusters = [seedCluster, ...impostors[seedCluster]];
      const perCluster = floor((clustersPerBatch * examplesPerCluster) / clusters.length);
      const trainRows = clusters.flatMap((cluster) => sampleMembers(members[cluster], perCluster, rng));
      return {
        examples: trainRows.map((row) => data.train[row]),
        trainRows,
        clusterClass: Int32Array.from(clusters, (cluster) => clusterClass[cluster]),
        examplesPerCluster: perCluster,
      };
    },
    record: (trainRows: readonly number[], losses: Float32Array) => weights.record(trainRows, losses),
    state: () => weights.state(),
    restore: (state: LossState) => weights.restore(state),
  };
}

/** `count` members without replacement; a cluster of fewer gives all of them as often as they fit, then some of them. */
export function sampleMembers(members: readonly number[], count: number, rng: Rng): number[] {
  const rows: number[] = [];
  while (count - rows.length >= members.length) rows.push(...members);
  return [...rows, ...rng.sample(members, count - rows.length)];
}
