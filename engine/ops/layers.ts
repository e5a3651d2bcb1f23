/**
 * The layers that networks are made of, as functions of tensors: convolution, rectifier, pooling, dense.
 * float32, NHWC, SAME padding. Each picks the kernel that `kernels.ts` chose; gradients flow through all of them.
 * Does not know variables, names or networks. The receiver (or the enclosing tidy) disposes what is returned.
 */
import { fusedMaxPool, stockMaxPool } from '../implementations/max-pool';
import { fusedPointwise } from '../implementations/pointwise';
import { fusedRelu, stockRelu } from '../implementations/relu';
import { suitsWinograd, winograd, winogradFolded } from '../implementations/winograd';
import { kernelFor } from '../kernels';
import { attribute, runOneOutput } from '../native';
import { tf } from '../tf';

/**
 * Convolution without bias, SAME padding.
 * @param x [N, H, W, C]
 * @param filter [h, w, C, K]
 * @returns [N, ⌈H/stride⌉, ⌈W/stride⌉, K]
 */
export function conv2d(x: tf.Tensor, filter: tf.Tensor, stride: number): tf.Tensor4D {
  const isPointwise = stride === 1 && filter.shape[0] === 1 && filter.shape[1] === 1;
  if (isPointwise && kernelFor('pointwise') === 'fused') return fusedPointwise(x as tf.Tensor4D, filter as tf.Tensor4D);
  if (isWinograd(x, filter, stride)) return winograd(x as tf.Tensor4D, filter as tf.Tensor4D);
  return convolution(x, filter, stride);
}

function isWinograd(x: tf.Tensor, filter: tf.Tensor, stride: number): boolean {
  return suitsWinograd(x, filter, stride) && kernelFor('winograd') === 'fused';
}

function convolution(x: tf.Tensor, filter: tf.Tensor, stride: number): tf.Tensor4D {
  return tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same');
}

/**
 * relu(convolution + bias) of a forward pass that is compiled: one op of ours where that suits, else TensorFlow's graph
 * optimizer makes one kernel of three. No gradient flows.
 * @param bias [K]
 */
export function convolveFolded(x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor, stride: number): tf.Tensor4D {
  if (isWinograd(x, filter, stride)) return winogradFolded(x, filter, bias);
  return tf.tidy(() => {
    const attributes = [attribute.float32('T'), attribute.string('data_format', 'NHWC')];
    const biased = runOneOutput('BiasAdd', attributes, [convolution(x, filter, stride), bias]);
    return runOneOutput('Relu', [attribute.float32('T')], [biased]) as tf.Tensor4D;
  });
}

/** max(x, 0), any shape; the gradient at 0 is 0. */
export function relu<T extends tf.Tensor>(x: T): T {
  return (kernelFor('relu') === 'fused' ? fusedRelu : stockRelu)(x) as T;
}

/**
 * The maximum of each size × size window, SAME padding: [N, H, W, C] to [N, ⌈H/stride⌉, ⌈W/stride⌉, C].
 * @param size at most 15
 * @param stride at most `size`
 */
export function maxPool(x: tf.Tensor, size: number, stride: number): tf.Tensor4D {
  return (kernelFor('maxPool') === 'fused' ? fusedMaxPool : stockMaxPool)(x as tf.Tensor4D, size, stride);
}

/** The mean over height and width: [N, H, W, C] to [N, C]. */
export function globalAveragePool(x: tf.Tensor): tf.Tensor2D {
  return tf.mean<tf.Tensor2D>(x, [1, 2]);
}

/** x · w + b: [N, D] by [D, E] plus [E] to [N, E]. */
export function dense(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  return tf.matMul(x, w).add<tf.Tensor2D>(b);
}
