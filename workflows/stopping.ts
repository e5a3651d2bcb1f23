/** A stop before there is anything to evaluate: what is under way is cancelled, and the run ends as stopped. */
import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';

export function runStopped(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('stopped before there was anything to evaluate.', 'RunStopped');
}

export function isRunStopped(failure: unknown): boolean {
  return failure instanceof ApplicationFailure && failure.type === 'RunStopped';
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
    throw byStop && isCancellation(failure) ? runStopped() : failure;
  }
}
