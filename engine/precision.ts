/** How exact TensorFlow's products are on the device in use: what error bounds of callers rest on. */
import { tf } from './tf';

/**
 * Relative error of one operand or sum in a float32 matrix product. On a GPU TensorFlow rounds the operands to TF32, 10 bits
 * and the leading one; on a CPU they stay float32.
 */
export function matMulRoundoff(): number {
  roundoff ??= isOnGpu() ? 2 ** -10 : 2 ** -24;
  return roundoff;
}

/** A process stays on its device, and asking tfjs for it takes longer than a distance. */
let roundoff: number | undefined;

function isOnGpu(): boolean {
  return (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}
