/**
 * Convolutions of 3 × 3 and 5 × 5 and stride 1 by Winograd's algorithm, in a quarter of the multiplications and in 0.36 of
 * them, both ways (ops of our own, CPUs only, engine/cpu/winograd.h). Stock: tf.conv2d. In float32 the results differ from the
 * sums of the definition by some 10⁻⁵ of the largest magnitude, where those in another order differ by 10⁻⁶.
 */
import { requireOps } from '../cpu/ops-addon';
import { withGradient } from '../custom-gradient';
import { attribute, binding, runOneOutput, type Attribute } from '../native';
import { tf } from '../tf';

/** x [N, H, W, C] by filter [size, size, C, K] to [N, H, W, K], SAME padding. */
export type Convolve = (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor4D;

export const winograd: Convolve = (x, filter) =>
  withGradient(
    [x, filter],
    ([images, weights]) => ({ y: convolve([images, weights]), saved: [images, weights] }),
    (dy, [images, weights]) => [
      convolve([dy, weights], { turned: true }),
      runOneOutput('LodestoneConvolveFilterGrad', filterGradAttributes(weights.shape[0]), [images, dy]),
    ],
  ) as tf.Tensor4D;

/** max(convolution + bias, 0), of which no gradient flows. */
export function winogradFolded(x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor): tf.Tensor4D {
  return convolve([x, filter, bias]);
}

export const stockConvolve: Convolve = (x, filter) => tf.conv2d(x, filter, 1, 'same');

/** Inputs along a side that the outputs of a tile reach (engine/cpu/winograd.h). */
const REACH = 6;
const CHANNELS_TOGETHER = 16;

/** Whether the op can compute it, and where it then takes less time than oneDNN. By shapes alone. */
export function suitsWinograd(x: tf.Tensor, filter: tf.Tensor, stride: number): boolean {
  const [images, height, width] = x.shape;
  const [size, columns, inputs, outputs] = filter.shape;
  if (stride !== 1 || (size !== 3 && size !== 5) || columns !== size) return false;
  if (inputs % CHANNELS_TOGETHER !== 0 || outputs % CHANNELS_TOGETHER !== 0) return false;
  const tile = REACH + 1 - size;
  const tiles = images * Math.ceil(height / tile) * Math.ceil(width / tile);
  const covered = (images * height * width) / (tiles * tile * tile);
  return inputs >= 32 && outputs >= 32 && covered >= 0.5 && tiles >= 24;
}

function filterGradAttributes(size: number): Attribute[] {
  return [attribute.float32('T'), attribute.int('size', size)];
}

function convolve(inputs: readonly tf.Tensor[], { turned = false } = {}): tf.Tensor4D {
  requireOps(binding().isUsingGpuDevice());
  const attributes = [
    attribute.float32('T'),
    attribute.bool('turned', turned),
    attribute.int('biases', inputs.length - 2),
  ];
  return runOneOutput('LodestoneConvolve', attributes, inputs) as tf.Tensor4D;
}
