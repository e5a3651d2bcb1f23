/**
 * Batch normalisation over the variables of a set: by the batch's own statistics in training (the moving averages
 * follow), by the moving averages in inference. Does not know networks: it is told the four names.
 */
import { BATCH_NORM_EPSILON, fusedBatchNorm, stockBatchNorm } from '../implementations/batch-norm';
import { composedNormRelu, fusedNormRelu, type NormRelu } from '../implementations/norm-relu';
import { kernelFor } from '../kernels';
import { tf } from '../tf';
import type { VariableSet } from '../variables';
import { relu } from './layers';

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
 * max((x − mean) / √(variance + ε) · scale + offset, 0) by the statistics of this batch, ε = 1e-3, in parts of some channels
 * each, and moves the averages: new = momentum · old + (1 − momentum) · batch, with the unbiased batch variance as in
 * TensorFlow and PyTorch.
 * @param x [N, H, W, C]
 * @param widths channels of each part, together C
 */
export function normReluTraining(
  x: tf.Tensor,
  variables: VariableSet,
  names: BatchNormNames,
  widths: readonly number[],
  momentum: number = BATCH_NORM_MOMENTUM,
): tf.Tensor4D[] {
  const input = {
    x: x as tf.Tensor4D,
    scale: variables.get(names.scale),
    offset: variables.get(names.offset),
    movingMean: variables.get(names.mean),
    movingVariance: variables.get(names.variance),
    momentum,
  };
  return chosenNormRelu()(input, widths, (mean, variance) => {
    variables.assign(names.mean, mean);
    variables.assign(names.variance, variance);
  });
}

function chosenNormRelu(): NormRelu {
  if (kernelFor('normRelu') === 'fused') return fusedNormRelu;
  return composedNormRelu(kernelFor('batchNorm') === 'fused' ? fusedBatchNorm : stockBatchNorm, relu);
}

/** Batch norm by the moving averages, which do not move. One native op with stock kernels too. */
export function batchNormInference(x: tf.Tensor, variables: VariableSet, names: BatchNormNames): tf.Tensor4D {
  const [scale, offset, mean, variance] = [names.scale, names.offset, names.mean, names.variance].map(
    (name) => variables.get(name) as tf.Tensor1D,
  );
  return tf.batchNorm4d(x as tf.Tensor4D, mean, variance, offset, scale, BATCH_NORM_EPSILON);
}
