/**
 * How workflows call activities: queues, timeouts and retries, in one place (DESIGN §3).
 * Which failures are not retried is decided by the table in errors.ts: activities mark them as they throw.
 */
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  proxyActivities,
  TimeoutFailure,
  type ActivityOptions,
} from '@temporalio/workflow';
import { queues } from '../config/queues';
import type {
  DecodeActivities,
  HelpRequest,
  PipelineActivities,
  Pool,
  TrainerActivities,
} from '../activities/requests';

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

/**
 * Runs trainer work where its state is warm. Anywhere else when that host does not take it within 10 s, or fails in a way that
 * another attempt may not (P6): on the shared queue attempts go on for ever.
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
    if (!mayGoElsewhere(failure)) throw failure;
    return work(shared);
  }
}

/** A refresh or an evaluation asks no more than this many others: each costs some events of the history. */
const MAX_HELPERS = 15;

/** How many runs to train at a time: as many as there are trainers (W4). */
export function trainersIn(pool: Pool | undefined): number {
  return Math.max(1, pool?.trainers ?? 1);
}

/** How many others to ask, by what an activity last said; one with parts of its own each. */
export function helpersIn(pool: Pool | undefined): number {
  return pool ? Math.max(1, Math.min(pool.trainers, pool.parts, MAX_HELPERS + 1)) - 1 : 0;
}

/**
 * Does work that embeds while others embed for it. They are asked on the shared queue, so that whoever is free comes; the
 * work waits for none of them, and lets them go as soon as it is done.
 */
export async function withHelpers<T>(
  helpers: number,
  request: Omit<HelpRequest, 'share'>,
  work: () => Promise<T>,
): Promise<T> {
  const scope = new CancellationScope();
  const of = helpers + 1;
  for (let at = 1; at < of; at++)
    scope.run(() => shared.helpEmbed({ ...request, share: { at, of } })).catch(() => undefined); // nothing depends on it
  try {
    return await work();
  } finally {
    scope.cancel();
  }
}

function mayGoElsewhere(failure: unknown): boolean {
  if (!(failure instanceof ActivityFailure)) return false;
  const { cause } = failure;
  if (cause instanceof TimeoutFailure)
    return cause.timeoutType === 'SCHEDULE_TO_START' || cause.timeoutType === 'HEARTBEAT';
  return cause instanceof ApplicationFailure && !cause.nonRetryable;
}
