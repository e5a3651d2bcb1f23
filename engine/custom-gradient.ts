/**
 * A native op together with its native gradient, as one differentiable function for the tape of tfjs.
 */
import { tf } from './tf';

/**
 * @param forward computes y; `saved` is what the gradient needs of inputs and outputs
 * @param backward one gradient for each input, from dy and what was saved
 */
export function withGradient(
  inputs: readonly tf.Tensor[],
  forward: (inputs: readonly tf.Tensor[]) => { readonly y: tf.Tensor; readonly saved: readonly tf.Tensor[] },
  backward: (dy: tf.Tensor, saved: readonly tf.Tensor[]) => tf.Tensor[],
): tf.Tensor {
  const differentiable = tf.customGrad((...args) => {
    const save = args[args.length - 1] as (tensors: tf.Tensor[]) => void;
    const { y, saved } = forward(args.slice(0, -1) as tf.Tensor[]);
    save([...saved]);
    return { value: y, gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => backward(dy, kept) };
  });
  return differentiable(...inputs);
}
