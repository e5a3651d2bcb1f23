/** How exact TensorFlow's products are on the device in use: what error bounds of callers rest on. */
import { tf } from './tf';

/**
 * Relative error of one operand or sum in a float32 matrix product. On a GPU TensorFlow rounds the operands to TF32, 10 bits
 * and the leading one; on a CPU they stay float32.
 */
export function matMulRoundoff(): number {
  const backend = tf.backend() as { readonly isUsingGpuDevice?: boolean };
  return backend.isUsingGpuDevice === true ? 2 ** -10 : 2 ** -24;
}
