/**
 * Convolutions of 3 × 3 and stride 1 by Winograd's algorithm: F(4 × 4, 3 × 3), a quarter of the multiplications, both ways
 * (ops of our own, CPUs only, engine/cpu/winograd.h). Stock: tf.conv2d. In float32 the results differ from the sums of the
 * definition by some 10⁻⁵ of the largest magnitude, where those in another order differ by 10⁻⁶.
 */
import { requireOps } from '../cpu/ops-addon';
import { withGradient } from '../custom-gradient';
import { attribute, binding, runOneOutput } from '../native';
import { tf } from '../tf';

/** x [N, H, W, C] by filter [3, 3, C, K] to [N, H, W, K], SAME padding. */
export type Convolve3x3 = (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor4D;

export const winograd: Convolve3x3 = (x, filter) =>
  withGradient(
    [x, filter],
    ([images, weights]) => ({ y: convolve([images, weights]), saved: [images, weights] }),
    (dy, [images, weights]) => [
      convolve([dy, weights], { turned: true }),
      runOneOutput('LodestoneConvolveFilterGrad', [attribute.float32('T')], [images, dy]),
    ],
  ) as tf.Tensor4D;

/** max(convolution + bias, 0), of which no gradient flows. */
export function winogradFolded(x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor): tf.Tensor4D {
  return convolve([x, filter, bias]);
}

export const stockConvolve3x3: Convolve3x3 = (x, filter) => tf.conv2d(x, filter, 1, 'same');

/** Of outputs along a side (engine/cpu/winograd.h). */
const TILE = 4;
const CHANNELS_TOGETHER = 16;

/** Whether the op can compute it, and where it then takes less time than oneDNN. By shapes alone. */
export function suitsWinograd(x: tf.Tensor, filter: tf.Tensor, stride: number): boolean {
  const [images, height, width, channels] = x.shape;
  const [rows, columns, inputs, outputs] = filter.shape;
  if (stride !== 1 || rows !== 3 || columns !== 3 || channels !== inputs) return false;
  if (inputs % CHANNELS_TOGETHER !== 0 || outputs % CHANNELS_TOGETHER !== 0) return false;
  const tiles = images * Math.ceil(height / TILE) * Math.ceil(width / TILE);
  const covered = (images * height * width) / (tiles * TILE * TILE);
  return inputs >= 32 && outputs >= 32 && covered >= 0.5 && tiles >= 24;
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
