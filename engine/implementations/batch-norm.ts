/**
 * Batch normalisation of a training batch, fused (one native op each way) and stock (tfjs ops and the tape).
 * Both give the same numbers up to rounding; `kernels.ts` proves it at start-up. Does not know variables or names.
 */
import { withGradient } from '../custom-gradient';
import { attribute, runOp } from '../native';
import { tf } from '../tf';

/** ε of the paper's networks (METHOD §4). */
export const BATCH_NORM_EPSILON = 1e-3;

export interface BatchNormInput {
  /** float32 [N, H, W, C] */
  readonly x: tf.Tensor4D;
  /** float32 [C] each */
  readonly scale: tf.Tensor;
  readonly offset: tf.Tensor;
  /** Moving averages before this batch, float32 [C]. No gradient flows into them. */
  readonly movingMean: tf.Tensor;
  readonly movingVariance: tf.Tensor;
  /** Weight of the old moving average, in [0, 1). */
  readonly momentum: number;
}

/**
 * @returns y = (x − batch mean) / √(biased batch variance + ε) · scale + offset, differentiable by x, scale and offset.
 * `updated` receives the new moving averages; that of the variance takes the unbiased batch variance, as TensorFlow's
 * and PyTorch's do. It runs before this returns, must not keep the tensors, and is no part of the gradient.
 */
export type BatchNorm = (input: BatchNormInput, updated: (mean: tf.Tensor, variance: tf.Tensor) => void) => tf.Tensor4D;

export const fusedBatchNorm: BatchNorm = ({ x, scale, offset, movingMean, movingVariance, momentum }, updated) => {
  const attributes = [
    attribute.float32('T'),
    attribute.float32('U'),
    attribute.float('epsilon', BATCH_NORM_EPSILON),
    attribute.string('data_format', 'NHWC'),
    attribute.bool('is_training', true),
  ];
  const forwardAttributes = [...attributes, attribute.float('exponential_avg_factor', 1 - momentum)];
  return withGradient(
    [x, scale, offset],
    ([input, gain, shift]) => {
      const inputs = [input, gain, shift, movingMean, movingVariance];
      const [y, mean, variance, ...reserved] = runOp('FusedBatchNormV3', forwardAttributes, inputs, 6);
      updated(mean, variance);
      return { y, saved: [input, gain, ...reserved] };
    },
    (dy, saved) => runOp('FusedBatchNormGradV3', attributes, [dy, ...saved], 5).slice(0, 3),
  ) as tf.Tensor4D;
};

export const stockBatchNorm: BatchNorm = ({ x, scale, offset, movingMean, movingVariance, momentum }, updated) => {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const count = x.size / x.shape[3];
  const unbiased = variance.mul(count / Math.max(1, count - 1));
  const blend = (old: tf.Tensor, batch: tf.Tensor): tf.Tensor => old.mul(momentum).add(batch.mul(1 - momentum));
  updated(blend(movingMean, mean), blend(movingVariance, unbiased));
  return tf.batchNorm4d(
    x,
    mean as tf.Tensor1D,
    variance as tf.Tensor1D,
    offset as tf.Tensor1D,
    scale as tf.Tensor1D,
    BATCH_NORM_EPSILON,
  );
};
