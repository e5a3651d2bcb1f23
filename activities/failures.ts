/** Our failures as Temporal sees them: by kind. Left alone, the SDK names a failure after its class and retries never see the kind. */
import { ApplicationFailure } from '@temporalio/common';
import { failures, LodestoneError } from '../errors';

export function rethrowForTemporal(error: unknown): never {
  if (!(error instanceof LodestoneError)) throw error;
  const { kind: type, message, facts } = error;
  throw ApplicationFailure.create({ type, message, nonRetryable: !failures[type].retry, details: [facts] });
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
