/**
 * Where a trainer process begins: loads the child, and with it TensorFlow, and says in one message when that cannot be done.
 * Left to itself a failed import ends the process, which its host takes for a lost trainer and starts again.
 */
import { LodestoneError } from '../../errors';
import type { ChildMessage } from './protocol';

try {
  require('./child'); // eslint-disable-line @typescript-eslint/no-require-imports -- a static import cannot be caught
} catch (error) {
  const { kind, message } =
    error instanceof LodestoneError ? error : new LodestoneError('EngineUnavailable', String(error));
  process.on('disconnect', () => process.exit(0)); // P1; the host ends it when it has heard
  process.send?.({ type: 'failed', id: null, kind, message, facts: {} } satisfies ChildMessage);
}
