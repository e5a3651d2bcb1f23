/**
 * Batch normalisation over the variables of a set: by the batch's own statistics in training (the moving averages
 * follow), by the moving averages in inference. Does not know networks: it is told the four names.
 */
import { BATCH_NORM_EPSILON, fusedBatchNorm, stockBatchNorm } from '../implementations/batch-norm';
import { kernelFor } from '../kernels';
import { tf } from '../tf';
import type { VariableSet } from '../variables';

/** Names of four variables of shape [C]: two trained, two statistics. */
export interface BatchNormNames {
  readonly scale: string;
  readonly offset: string;
  readonly mean: string;
  readonly variance: string;
}

/** Weight of the old moving average (METHOD §4: 0.99 leaves them stale on short runs). */
export const BATCH_NORM_MOMENTUM = 0.9;

/**
 * y = (x − mean) / √(variance + ε) · scale + offset by the statistics of this batch, ε = 1e-3, and moves the averages:
 * new = momentum · old + (1 − momentum) · batch, with the unbiased batch variance as in TensorFlow and PyTorch.
 * @param x [N, H, W, C]
 */
export function batchNormTraining(
  x: tf.Tensor,
  variables: VariableSet,
  names: BatchNormNames,
  momentum: number = BATCH_NORM_MOMENTUM,
): tf.Tensor4D {
  const input = {
    x: x as tf.Tensor4D,
    scale: variables.get(names.scale),
    offset: variables.get(names.offset),
    movingMean: variables.get(names.mean),
    movingVariance: variables.get(names.variance),
    momentum,
  };
  return (kernelFor('batchNorm') === 'fused' ? fusedBatchNorm : stockBatchNorm)(input, (mean, variance) => {
    variables.assign(names.mean, mean);
    variables.assign(names.variance, variance);
  });
}

/** The same by the moving averages, which do not move. One native op with stock kernels too. */
export function batchNormInference(x: tf.Tensor, variables: VariableSet, names: BatchNormNames): tf.Tensor4D {
  const [scale, offset, mean, variance] = [names.scale, names.offset, names.mean, names.variance].map(
    (name) => variables.get(name) as tf.Tensor1D,
  );
  return tf.batchNorm4d(x as tf.Tensor4D, mean, variance, offset, scale, BATCH_NORM_EPSILON);
}
