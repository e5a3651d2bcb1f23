/**
 * Loads the ops of this folder, compiled by set-up (infra/setup/native.mjs). They are a choice (kernels.ts): where they
 * cannot be had, the reason is kept for who asks, and other kernels compute the same.
 */
import { dirname, join } from 'node:path';

let missing: string | undefined = 'they were not loaded';

/** Call it after the addon of tfjs is loaded, whose libraries they share. */
export function loadOps(): void {
  const file = join(dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')), 'lib/lodestone/ops.node');
  try {
    process.dlopen({ exports: {} }, file);
    missing = undefined;
  } catch (cause) {
    missing = (cause as Error).message.split('\n')[0];
  }
}

/** Throws where an op of this folder cannot run. */
export function requireOps(onGpu: boolean): void {
  if (onGpu)
    throw new Error("lodestone's own ops run on CPUs, and TensorFlow would copy to them and back without a word");
  if (missing !== undefined) throw new Error(`lodestone's own ops: ${missing}. \`npm run setup\` builds them`);
}
