/**
 * Loads tracer.cc, built by set-up (infra/setup/native.mjs), in front of TensorFlow's session runs. Only in a process that
 * was spawned to trace: in all others nothing stands between the addon and TensorFlow.
 */
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { LodestoneError } from '../../errors';
import { spawnVariables } from '../environment';

export interface NativeTracer {
  /** Traces the next session run. */
  arm(): void;
  /** Its RunMetadata; empty where there was no run since. */
  take(): Uint8Array;
}

let loaded: NativeTracer | undefined;

/** Call it before the addon of tfjs is loaded. Throws EngineUnavailable where the tracer was not built. */
export function loadTracer(): void {
  if (process.env[spawnVariables.trace] !== '1') return;
  const file = join(dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')), 'lib/lodestone/tracer.node');
  const module = { exports: {} };
  try {
    process.dlopen(module, file, constants.dlopen.RTLD_LAZY | constants.dlopen.RTLD_GLOBAL);
  } catch (cause) {
    throw new LodestoneError(
      'EngineUnavailable',
      `profile: the tracer could not be loaded (${(cause as Error).message.split('\n')[0]}). Run \`npm run setup\`, which builds it, or leave --profile out.`,
      { cause },
    );
  }
  loaded = module.exports as NativeTracer;
}

/** Throws EngineUnavailable in a process that was not spawned to trace. */
export function nativeTracer(): NativeTracer {
  if (loaded !== undefined) return loaded;
  throw new LodestoneError(
    'EngineUnavailable',
    `profile: this process does not trace; ${spawnVariables.trace}=1 must be set before it starts. This is a fault in lodestone; please report it.`,
  );
}
