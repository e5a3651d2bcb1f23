/** A machine whose TensorFlow is of another version, for processes that are started with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns the environment of such a process */
export function oldTensorFlow(folder: string): { NODE_OPTIONS: string } {
  const file = join(folder, 'old-tensorflow.cjs');
  writeFileSync(
    file,
    `const Module = require('node:module');
     const load = Module._load;
     Module._load = function (request, ...rest) {
       const loaded = load.call(this, request, ...rest);
       if (request !== '@tensorflow/tfjs-node-gpu') return loaded;
       const backend = () => ({ binding: { TF_Version: '2.9.1' } });
       return { ...loaded, getBackend: () => 'tensorflow', backend };
     };`,
  );
  return { NODE_OPTIONS: `--require ${file}` };
}
