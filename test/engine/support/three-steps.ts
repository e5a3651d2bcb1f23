/** Prints the digest of all variables after three steps, the losses, and the fingerprint of the process. */
import { createHash } from 'node:crypto';
import { fingerprint } from '../../../engine/fingerprint';
import { runEagerStep } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import { smallBatch, smallNet, smallStep } from './small-net';

const variables = smallNet('adam');
const losses: number[] = [];
for (const seed of [0, 1, 2]) {
  const outputs = runEagerStep(smallStep('adam'), variables, smallBatch(seed));
  losses.push(outputs.loss.dataSync()[0]);
  tf.dispose(outputs);
}
const hash = createHash('sha256');
for (const [name, values] of variables.read()) hash.update(name).update(new Uint8Array(values.buffer));
console.log(JSON.stringify({ digest: hash.digest('hex'), losses, fingerprint: fingerprint() }));
