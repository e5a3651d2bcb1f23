/**
 * The one door to TensorFlow: `import { tf } from '../engine/tf'`, for values and for types such as `tf.Tensor2D`.
 * Importing it loads the native addon, or throws EngineUnavailable with the way out (addon.ts).
 */
import './addon'; // first: it defines the shim and checks the backend
import * as tf from '@tensorflow/tfjs-node-gpu';

export { tf };

/**
 * The numbers of a tensor that is computed for their sake; everything made on the way is disposed. What `tf.tidy` returns
 * is searched for tensors element by element, which takes longer over a large array than most ops: it gets the tensor.
 */
export function dataOf(compute: () => tf.Tensor): Float32Array {
  const tensor = tf.tidy(compute);
  const data = tensor.dataSync<'float32'>();
  tensor.dispose();
  return data;
}
