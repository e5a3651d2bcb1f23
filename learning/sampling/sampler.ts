/**
 * Which examples a step trains on. One sampler serves one phase between two refreshes; what it must remember beyond that
 * is its state. Does not know images, tensors or the network.
 *
 * Invariants:
 *   D1  A batch depends on seed, epoch, step, index and state alone; nothing is drawn ahead (DURABILITY B3).
 *   D2  Recorded losses belong to examples, not to clusters: they outlive a refresh (METHOD §3).
 */
import type { Objective } from '../../config/objective';
import { assertNever, LodestoneError } from '../../errors';
import type { RunIndex } from '../index/run-index';
import type { TrainingData } from '../training-data';
import { magnetSampler } from './magnet';
import { softmaxSampler } from './softmax';
import { tripletSampler } from './triplet';

export interface Batch {
  /** Indices into TrainingData.examples, in the order that the objective's loss expects. */
  readonly examples: readonly number[];
  /** The same rows as positions in TrainingData.train. */
  readonly trainRows: readonly number[];
  /** int32 [M'], the class of each cluster, seed cluster first; null where the batch has no clusters. */
  readonly clusterClass: Int32Array | null;
  /** D', rows of each cluster; null where the batch has no clusters. */
  readonly examplesPerCluster: number | null;
}

/** The latest loss of each training example, and whether there is one (0 or 1). */
export interface LossState {
  readonly losses: Float32Array;
  readonly seen: Uint8Array;
}

export interface Sampler {
  /**
   * @param epoch from 1
   * @param step from 0, within the epoch
   */
  draw(epoch: number, step: number): Batch;
  /** Takes the losses of a batch: one per row for softmax and Magnet, one per triplet for triplet. */
  record(trainRows: readonly number[], losses: Float32Array): void;
  /** A copy; null where nothing is remembered. */
  state(): LossState | null;
  restore(state: LossState): void;
}

export type SampledObjective = Objective | { readonly type: 'softmax'; readonly batchSize: number };

/**
 * @param index of the last refresh; null for softmax
 * @param seed of the phase's batches
 */
export function samplerFor(
  objective: SampledObjective,
  data: TrainingData,
  index: RunIndex | null,
  seed: number,
): Sampler {
  switch (objective.type) {
    case 'softmax':
      return softmaxSampler(objective.batchSize, data, seed);
    case 'triplet':
      if (index?.type !== 'embeddings') throw wrongIndex(objective.type, 'embeddings', index);
      return tripletSampler(objective, data, index, seed);
    case 'magnet':
      if (index?.type !== 'clusters') throw wrongIndex(objective.type, 'clusters', index);
      return magnetSampler(objective, data, index, seed);
    default:
      return assertNever(objective);
  }
}

/** Images that a full batch holds. Magnet's holds fewer where M' does not divide M·D. */
export function imagesPerStep(objective: SampledObjective): number {
  switch (objective.type) {
    case 'softmax':
      return objective.batchSize;
    case 'triplet':
      return 3 * objective.triplets;
    case 'magnet':
      return objective.clustersPerBatch * objective.examplesPerCluster;
    default:
      return assertNever(objective);
  }
}

function wrongIndex(objective: string, needed: RunIndex['type'], index: RunIndex | null): LodestoneError {
  return new LodestoneError(
    'Unexpected',
    `sampler: got ${index === null ? 'no index' : `an index of ${index.type}`}, ${objective} needs one of ${needed}. ` +
      'This is a fault in lodestone; please report it.',
  );
}
