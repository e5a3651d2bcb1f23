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
  const several = (xs: readonly tf.Tensor[]): { parts: tf.Tensor[]; saved: readonly tf.Tensor[] } => {
    const { y, saved } = forward(xs);
    return { parts: [y], saved };
  };
  return partsWithGradient(inputs, several, ([dy], saved) => backward(dy, saved))[0];
}

/** The same of an op with several results, all of which the gradient flows into. */
export function partsWithGradient(
  inputs: readonly tf.Tensor[],
  forward: (inputs: readonly tf.Tensor[]) => {
    readonly parts: readonly tf.Tensor[];
    readonly saved: readonly tf.Tensor[];
  },
  backward: (dys: readonly tf.Tensor[], saved: readonly tf.Tensor[]) => readonly tf.Tensor[],
): tf.Tensor[] {
  return tape().runKernelFunc({
    inputs: Object.fromEntries(inputs.map((input, i) => [i, input])),
    forwardFunc: (_backend, save) => {
      const { parts, saved } = forward(inputs);
      save([...saved]);
      return [...parts];
    },
    backwardsFunc: (dys, saved) => {
      const gradients = backward(Array.isArray(dys) ? dys : [dys], saved);
      return Object.fromEntries(gradients.map((gradient, input) => [input, () => gradient]));
    },
  });
}

/** What tf.customGrad is made of, which offers one result only. */
interface Tape {
  runKernelFunc(kernel: {
    readonly inputs: Record<string, tf.Tensor>;
    readonly forwardFunc: (backend: unknown, save: (saved: tf.Tensor[]) => void) => tf.Tensor[];
    readonly backwardsFunc: (dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
  }): tf.Tensor[];
}

function tape(): Tape {
  return tf.engine() as unknown as Tape;
}
