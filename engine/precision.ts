/** How exact TensorFlow's products are on the device in use: what error bounds of callers rest on. */
import { tf } from './tf';

/** Relative errors in a float32 matrix product. */
export interface ProductRoundoff {
  /** Of each operand, by its rounding; it does not grow with the length of the sums. */
  readonly operand: number;
  /** Of each product and each sum. */
  readonly sum: number;
}

const ON_CPU: ProductRoundoff = { operand: 0, sum: 2 ** -24 };
/**
 * Of TF32, 10 bits and the leading one, cut off or rounded, summed in float32 by units that may cut off too. What is computed
 * without TF32 is more exact; whether it is, is the choice of NVIDIA's libraries.
 */
const ON_GPU: ProductRoundoff = { operand: 2 ** -10, sum: 2 ** -23 };

export function matMulRoundoff(): ProductRoundoff {
  roundoff ??= isOnGpu() ? ON_GPU : ON_CPU;
  return roundoff;
}

/** A process stays on its device, and asking tfjs for it takes longer than a distance. */
let roundoff: ProductRoundoff | undefined;

function isOnGpu(): boolean {
  return (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}
