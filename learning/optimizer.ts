/**
 * How the step size goes: constant in the warm start, decaying by epochs in training; and the recipe's optimizer with
 * what varies from step to step as tensors. Does not know slots (engine/ops/optimizers.ts).
 */
import type { OptimizerOptions } from '../config/recipe';
import type { OptimizerSettings } from '../engine/ops/optimizers';
import type { tf } from '../engine/tf';
import { assertNever } from '../errors';

export interface Schedule {
  readonly learningRate: number;
  readonly epochs: number;
  /** The last epoch's rate as a share of the first one's. */
  readonly annealTo: number;
}

/** @param epoch from 1; epochs added later run at the last one's rate */
export function learningRateAt({ learningRate, epochs, annealTo }: Schedule, epoch: number): number {
  const progress = epochs > 1 ? Math.min(1, (epoch - 1) / (epochs - 1)) : 0;
  return learningRate * annealTo ** progress;
}

/** @param update the number of this update, from 1 (Adam's bias correction) */
export function settingsOf(options: OptimizerOptions, learningRate: tf.Scalar, update: tf.Scalar): OptimizerSettings {
  switch (options.type) {
    case 'adam':
      return { ...options, learningRate, step: update };
    case 'momentum':
      return { ...options, learningRate };
    default:
      return assertNever(options);
  }
}
