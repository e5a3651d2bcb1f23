/**
 * Loads the native TensorFlow addon once, before anything else of tfjs, and turns a failure into one message.
 * Knows where the addon may fail: not built, not linkable, another backend than the native one.
 * Does not know tensors: `tf.ts` imports this file first and is what everyone else imports.
 */
import util from 'node:util'; // the module itself: a namespace import is a copy, which the shim would not reach
import { LodestoneError } from '../errors';
import { loadOps } from './cpu/ops-addon';
import { loadTracer } from './profile/tracer-addon';

interface Loaded {
  getBackend(): string;
  backend(): { readonly binding?: { readonly TF_Version?: string } };
}

/** What set-up builds against (infra/setup/tensorflow.mjs): kernels are called by its op definitions. */
const TENSORFLOW = '2.21';

loadAddon();

function loadAddon(): void {
  restoreNullCheck();
  loadTracer();
  let loaded: Loaded;
  try {
    // A static import could not be caught; the import in tf.ts then finds this module in the cache.
    loaded = require('@tensorflow/tfjs-node-gpu') as Loaded; // eslint-disable-line @typescript-eslint/no-require-imports
  } catch (cause) {
    throw new LodestoneError(
      'EngineUnavailable',
      `engine: the native TensorFlow addon could not be loaded (${firstLine(cause)}); ` +
        'training and embedding need it. Run `npm run setup`, which builds it into the user cache and links it in.',
      { cause },
    );
  }
  const backend = loaded.getBackend();
  if (backend !== 'tensorflow') {
    throw new LodestoneError(
      'EngineUnavailable',
      `engine: got the tfjs backend "${backend}", must be "tensorflow": the others are about 100 times slower. ` +
        'Run `npm run setup` to build the native addon.',
    );
  }
  const version = loaded.backend().binding?.TF_Version ?? 'none';
  if (version !== TENSORFLOW && !version.startsWith(`${TENSORFLOW}.`)) {
    throw new LodestoneError(
      'EngineUnavailable',
      `engine: got TensorFlow ${version}, must be ${TENSORFLOW}: the addon and the kernels are built for it. ` +
        'Run `npm run setup`, which links the pinned one in.',
    );
  }
  loadOps();
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed. */
function restoreNullCheck(): void {
  const target = util as { isNullOrUndefined?: (value: unknown) => boolean };
  target.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0].trim();
}
