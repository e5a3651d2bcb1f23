/** The device that a worker of a bench was asked to measure on. */
import { binding } from '../../engine/native';

/** Throws where a GPU was asked for and TensorFlow has none: figures of a CPU must not stand in its table. */
export function requireDevice(device: string): void {
  if (device !== 'gpu' || binding().isUsingGpuDevice()) return;
  throw new Error(
    'bench: --device: got gpu, but TensorFlow sees no CUDA device here. `npx lodestone doctor` says why.',
  );
}
