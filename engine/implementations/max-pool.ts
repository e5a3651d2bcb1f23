/**
 * Max pooling, fused (ops of our own that remember where each maximum was, CPUs only, engine/cpu/max-pool.cc) and stock (tfjs,
 * whose gradient searches the maxima again). SAME padding, NHWC.
 */
import { requireOps } from '../cpu/ops-addon';
import { withGradient } from '../custom-gradient';
import { attribute, binding, runOneOutput, runOp, type Attribute } from '../native';
import { tf } from '../tf';

/** The maximum of each size × size window. Among equal maxima the first, row by row, gets the gradient. */
export type MaxPool = (x: tf.Tensor4D, size: number, stride: number) => tf.Tensor4D;

export const fusedMaxPool: MaxPool = (x, size, stride) => {
  requireOps(binding().isUsingGpuDevice());
  const [, height, width] = x.shape;
  const windows = windowsOf(size, stride);
  return withGradient(
    [x],
    ([input]) => {
      const [y, places] = runOp('LodestoneMaxPool', windows, [input], 2);
      return { y, saved: [places] };
    },
    (dy, [places]) => {
      const image = [attribute.int('height', height), attribute.int('width', width)];
      return [runOneOutput('LodestoneMaxPoolGrad', [...windows, ...image], [dy, places])];
    },
  ) as tf.Tensor4D;
};

export const stockMaxPool: MaxPool = (x, size, stride) => tf.maxPool(x, size, stride, 'same');

function windowsOf(size: number, stride: number): Attribute[] {
  return [attribute.float32('T'), attribute.int('size', size), attribute.int('stride', stride)];
}
