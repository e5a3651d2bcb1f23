/** How work ends that a stop cancels; before there is anything to evaluate the run ends with it, as stopped. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  upsertMemo,
} from '@temporalio/workflow';
import { STOPPED_MEMO, STOPPED_MESSAGE } from '../config/stopped';

/** The failure that says so; for those who only see that a run failed, its memo does. */
export function runStopped(): ApplicationFailure {
  upsertMemo({ [STOPPED_MEMO]: true });
  return ApplicationFailure.nonRetryable(STOPPED_MESSAGE, 'RunStopped');
}

export function isRunStopped(failure: unknown): boolean {
  return failure instanceof ApplicationFailure && failure.type === 'RunStopped';
}

/**
 * Whether an activity that a stop cancelled ended by it: with a cancellation, or with a failure that the server would have tried
 * again, had it not been cancelled (a lost worker, a store that is away). What no attempt could mend stays a failure.
 */
export function isEndByStop(failure: unknown): boolean {
  if (isCancellation(failure)) return true;
  if (!(failure instanceof ActivityFailure)) return false;
  return !(failure.cause instanceof ApplicationFailure && failure.cause.nonRetryable);
}

/** Where the end by a stop is a failure of another kind, the log says so: the run's outcome does not. */
export function noteFailure(failure: unknown): void {
  if (!isCancellation(failure)) log.warn('what the stop cancelled had failed', { failure });
}

/**
 * Does work that a stop cancels. What it committed by then is found when the run is started again (S5).
 * @param scope is cancelled by the stop
 * @throws runStopped() where that ended it; a cancellation of the workflow itself passes through
 */
export async function untilStopped<T>(scope: CancellationScope, work: () => Promise<T>): Promise<T> {
  try {
    return await scope.run(work);
  } catch (failure) {
    const byStop = scope.consideredCancelled && !CancellationScope.current().consideredCancelled;
    if (!byStop || !isEndByStop(failure)) throw failure;
    noteFailure(failure);
    throw runStopped();
  }
}
