/**
 * What is worth another try when a trainer is lost, and for how often. Does not know what the work is.
 *
 *   P4  A dead trainer is respawned and the work goes on from the last commit; five times without a later one is NoProgress.
 */
import { LodestoneError } from '../errors';

export const MAX_RECOVERIES = 5;

/**
 * Tries again after a lost trainer (P4).
 * @param signal no try begins after it
 * @param attempt calls `progressed` when something was committed: the count of losses begins anew
 */
export async function recovering<R>(signal: AbortSignal, attempt: (progressed: () => void) => Promise<R>): Promise<R> {
  let recoveries = 0;
  for (;;) {
    if (signal.aborted) throw signal.reason;
    try {
      return await attempt(() => (recoveries = 0));
    } catch (error) {
      recoveries += 1;
      if (!isRecoverable(error, recoveries)) throw error;
      if (recoveries >= MAX_RECOVERIES) throw noProgress(recoveries, 'this work', error);
    }
  }
}

/** A lost trainer is tried again; out of memory once (the device was ours alone). */
export function isRecoverable(error: unknown, recoveries: number): boolean {
  if (!(error instanceof LodestoneError)) return false;
  return error.kind === 'TrainerLost' || (error.kind === 'OutOfMemory' && recoveries < 2);
}

/** @param where what the trainer was lost in */
export function noProgress(recoveries: number, where: string, error: unknown): LodestoneError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LodestoneError(
    'NoProgress',
    `trainer: lost ${recoveries} times in ${where} without a later checkpoint: ${reason} ` +
      'Look at memory and at the device, then start the run again.',
    { cause: error },
  );
}
