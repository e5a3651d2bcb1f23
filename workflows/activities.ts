/**
 * How workflows call activities: queues, timeouts and retries, in one place (DESIGN §3).
 * Which failures are not retried is decided by the table in errors.ts: activities mark them as they throw.
 */
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  TimeoutFailure,
  type ActivityOptions,
} from '@temporalio/workflow';
import { queues } from '../config/queues';
import type { DecodeActivities, PipelineActivities, TrainerActivities } from '../activities/requests';

/** Attempts at the same work repeat the same bytes, so they may go on for ever; NoProgress ends what cannot end (P4). */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5s' } as const;

/** A dead host is known after this (P5); a hung trainer by its own deadline, which its host watches. */
const heartbeatTimeout = '15s';

const base: ActivityOptions = {
  startToCloseTimeout: '30 days',
  heartbeatTimeout,
  retry,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

export const pipeline = proxyActivities<PipelineActivities>({ ...base, taskQueue: queues.pipeline });
export const decoding = proxyActivities<DecodeActivities>({ ...base, taskQueue: queues.cpu });
const shared = proxyActivities<TrainerActivities>({ ...base, taskQueue: queues.gpu });

/** Reasons to leave a private queue for the shared one; others are the work's own failures (P6). */
const movesOn: readonly string[] = ['WorkerShutdown', 'ActivityReset', 'DeviceBusy', 'TrainerLost'];

/**
 * Runs trainer work where its state is warm, and anywhere else when that host does not take it within 10 s (P6).
 * @param host the private queue of the last activity's host; null: none yet
 */
export async function onTrainer<T>(host: string | null, work: (trainer: TrainerActivities) => Promise<T>): Promise<T> {
  if (host === null) return work(shared);
  const warm = proxyActivities<TrainerActivities>({
    ...base,
    taskQueue: host,
    scheduleToStartTimeout: '10s',
    retry: { maximumAttempts: 1 },
  });
  try {
    return await work(warm);
  } catch (failure) {
    if (!hostIsGone(failure)) throw failure;
    return work(shared);
  }
}

function hostIsGone(failure: unknown): boolean {
  if (!(failure instanceof ActivityFailure)) return false;
  const { cause } = failure;
  if (cause instanceof TimeoutFailure)
    return cause.timeoutType === 'SCHEDULE_TO_START' || cause.timeoutType === 'HEARTBEAT';
  return cause instanceof ApplicationFailure && movesOn.includes(cause.type ?? '');
}
