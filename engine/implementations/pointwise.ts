/**
 * A convolution of 1 × 1 and stride 1: every pixel by the same matrix. Fused: as the product that it is, which on CPUs takes
 * oneDNN less time than a convolution, in both directions and most of all for the filter's gradient. Stock: tf.conv2d.
 */
import { withGradient } from '../custom-gradient';
import { attribute, runOneOutput } from '../native';
import { tf } from '../tf';

/** x [N, H, W, C] by filter [1, 1, C, K] to [N, H, W, K]. */
export type Pointwise = (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor4D;

export const fusedPointwise: Pointwise = (x, filter) =>
  withGradient(
    [x, filter],
    ([pixels, weights]) => {
      const shape = [...pixels.shape.slice(0, -1), ...weights.shape.slice(-1)];
      return { y: product(rowsOf(pixels), rowsOf(weights)).reshape(shape), saved: [pixels, weights] };
    },
    (dy, [pixels, weights]) => {
      const gradient = rowsOf(dy);
      return [
        product(gradient, rowsOf(weights), { transposed: 'b' }).reshape(pixels.shape),
        product(rowsOf(pixels), gradient, { transposed: 'a' }).reshape(weights.shape),
      ];
    },
  ) as tf.Tensor4D;

export const stockPointwise: Pointwise = (x, filter) => tf.conv2d(x, filter, 1, 'same');

/** The last axis as columns, all others as rows. */
function rowsOf(x: tf.Tensor): tf.Tensor {
  return x.reshape([-1, ...x.shape.slice(-1)]);
}

/** MatMul by name: tf.matMul is another op, whose products stay float32 when a step is compiled in bf16 (compile/bf16.ts). */
function product(a: tf.Tensor, b: tf.Tensor, { transposed }: { readonly transposed?: 'a' | 'b' } = {}): tf.Tensor {
  const attributes = [
    attribute.bool('transpose_a', transposed === 'a'),
    attribute.bool('transpose_b', transposed === 'b'),
    attribute.float32('T'),
  ];
  return runOneOutput('MatMul', attributes, [a, b]);
}
