/**
 * The rectifier, fused (one native op each way) and stock (tfjs, whose gradient multiplies by a mask of full size).
 */
import { withGradient } from '../custom-gradient';
import { attribute, runOneOutput } from '../native';
import { tf } from '../tf';

/** max(x, 0); the gradient at x = 0 is 0. */
export type Relu = (x: tf.Tensor) => tf.Tensor;

export const fusedRelu: Relu = (x) => {
  const attributes = [attribute.float32('T')];
  return withGradient(
    [x],
    (inputs) => {
      const y = runOneOutput('Relu', attributes, inputs);
      return { y, saved: [y] };
    },
    (dy, [y]) => [runOneOutput('ReluGrad', attributes, [dy, y])],
  );
};

export const stockRelu: Relu = (x) => tf.relu(x);
