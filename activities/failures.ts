/** Our failures as Temporal sees them: by kind. Left alone, the SDK names a failure after its class and retries never see the kind. */
import { ApplicationFailure } from '@temporalio/common';
import { failures, LodestoneError } from '../errors';

export function rethrowForTemporal(error: unknown): never {
  if (!(error instanceof LodestoneError)) throw error;
  const { kind: type, message, facts } = error;
  throw ApplicationFailure.create({ type, message, nonRetryable: !failures[type].retry, details: [facts] });
}

/**
 * Reads stored input. What is damaged or missing is the workflow's to go back from, not an activity's to retry (S8).
 * @param what names the input
 * @param lastGood digest of the checkpoint to go back to; null where the workflow knows better
 */
export async function rejectingInput<T>(
  what: string,
  read: () => Promise<T>,
  lastGood: () => Promise<string | null> = () => Promise.resolve(null),
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new LodestoneError('InputRejected', `${what}: ${error.message} The run goes back to the one before.`, {
      cause: error,
      facts: { what, lastGood: await lastGood() },
    });
  }
}

/** Reads what a run left that has ended: nothing goes back for it, and no retry would help. */
export async function rejectingRecords<T>(run: string, read: () => Promise<T>): Promise<T> {
  const what = `records of the run ${run}`;
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new LodestoneError('InputRejected', `${what}: ${error.message}`, {
      cause: error,
      facts: { what, lastGood: null },
    });
  }
}

/** Whether something stored is missing or is not what it was. */
export function isDamage(error: unknown): error is LodestoneError {
  return error instanceof LodestoneError && error.kind === 'ArtifactCorrupt';
}

/** Wraps every activity of a set. */
export function translating<T extends object>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: unknown[]): Promise<unknown> => {
      try {
        return await (activity as (...args: unknown[]) => Promise<unknown>)(...args);
      } catch (error) {
        return rethrowForTemporal(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
