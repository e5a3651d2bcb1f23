/**
 * Max pooling, fused (oneDNN's pair of ops, which remembers where each maximum was; CPU with oneDNN only) and stock
 * (tfjs, whose gradient searches the maxima again). SAME padding, NHWC.
 */
import { withGradient } from '../custom-gradient';
import { attribute, runOneOutput, runOp } from '../native';
import { tf } from '../tf';

/** The maximum of each size × size window. Among equal maxima the first, row by row, gets the gradient. */
export type MaxPool = (x: tf.Tensor4D, size: number, stride: number) => tf.Tensor4D;

export const fusedMaxPool: MaxPool = (x, size, stride) => {
  const attributes = [
    attribute.int('ksize', [1, size, size, 1]),
    attribute.int('strides', [1, stride, stride, 1]),
    attribute.string('padding', 'SAME'),
    attribute.float32('T'),
    attribute.string('_kernel', 'MklNameChangeOp'), // the label oneDNN's kernels are registered under
    attribute.bool('workspace_enabled', true),
  ];
  return withGradient(
    [x],
    ([input]) => {
      const [y, workspace] = runOp('_MklNativeMaxPool', attributes, [input], 2);
      return { y, saved: [input, y, workspace] };
    },
    (dy, [input, y, workspace]) => [runOneOutput('_MklNativeMaxPoolGrad', attributes, [input, y, dy, workspace])],
  ) as tf.Tensor4D;
};

export const stockMaxPool: MaxPool = (x, size, stride) => tf.maxPool(x, size, stride, 'same');
