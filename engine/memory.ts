/**
 * What the process holds: tensors as tfjs and as the addon count them, and resident memory.
 * For progress lines, benches and the tests that nothing grows over thousands of steps.
 */
import { binding } from './native';
import { tf } from './tf';

export interface MemoryReport {
  /** Tensors of tfjs, kept and variables' among them. */
  readonly tensors: number;
  /** Tensor handles of the addon: what tfjs lost track of would show here. */
  readonly nativeTensors: number;
  readonly residentBytes: number;
}

export function memoryReport(): MemoryReport {
  return {
    tensors: tf.memory().numTensors,
    nativeTensors: binding().getNumOfTensors(),
    residentBytes: process.memoryUsage.rss(),
  };
}
