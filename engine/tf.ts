/**
 * The one door to TensorFlow: `import { tf } from '../engine/tf'`, for values and for types such as `tf.Tensor2D`.
 * Importing it loads the native addon, or throws EngineUnavailable with the way out (addon.ts).
 */
import './addon'; // first: it defines the shim and checks the backend
import * as tf from '@tensorflow/tfjs-node-gpu';

export { tf };
