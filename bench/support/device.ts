/** The device that a worker of a bench was asked to measure on. */
import { binding } from '../../engine/native';

/** Ends the process where a GPU was asked for and TensorFlow has none: figures of a CPU must not stand in its table. */
export function requireDevice(device: string): void {
  if (device !== 'gpu' || binding().isUsingGpuDevice()) return;
  console.error('bench: --device: got gpu, but TensorFlow sees no CUDA device here. `npx lodestone doctor` says why.');
  process.exit(1);
}
