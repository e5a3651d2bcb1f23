/** Why a run cannot go on with the numbers that a step gave, and what to do about it. */
import type { Position } from '../../config/artifacts';
import { LodestoneError } from '../../errors';

/** @param what is not finite; @param step of the epoch, from 1 */
export function notFinite(place: Position, learningRate: number, what: string, step = place.step): LodestoneError {
  return divergence(
    place,
    step,
    `${what} is not finite`,
    `Lower the learning rate (${learningRate}) or go on from an earlier checkpoint.`,
  );
}

/** σ̂² is 0, which the loss divides by: its gradient is not finite, nor are the weights after it. */
export function collapsed(place: Position, learningRate: number, step: number): LodestoneError {
  return divergence(
    place,
    step,
    'within each cluster of the batch all embeddings are equal',
    `Has the network collapsed? Lower the learning rate (${learningRate}), or look for classes that repeat one image.`,
  );
}

function divergence(
  { phase, epoch, globalStep }: Position,
  step: number,
  what: string,
  wayOut: string,
): LodestoneError {
  return new LodestoneError(
    'NumericalDivergence',
    `training: step ${step} of epoch ${epoch} (${phase}): ${what}; nothing of it is kept. ${wayOut}`,
    { facts: { phase, epoch, step, globalStep } },
  );
}
