/** Who shares the work of trainers, by the word of the Temporal server: a hint of how far to spread it. */
import type { Client } from '@temporalio/client';
import { queues } from '../config/queues';

/** Temporal's number of an activity queue, beside that of workflows under the same name. */
const ACTIVITIES = 2;
/** A worker that asks and gets nothing asks anew within a minute; one that has not asked for longer is gone or at work. */
const ASKS_WITHIN_MS = 75_000;

/** Workers that ask the shared queue of trainers; 1 where the server does not say: whoever asks is there itself. */
export async function countTrainers({ workflowService, options }: Client): Promise<number> {
  const { namespace } = options;
  const described = workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queues.gpu },
    taskQueueType: ACTIVITIES,
  });
  const pollers = await described.then(
    (answer) => answer.pollers ?? [],
    () => [], // it may not be allowed to ask: nothing but the spread depends on it
  );
  const asked = pollers.map(({ identity, lastAccessTime }) => ({
    identity,
    atMs: Number(lastAccessTime?.seconds ?? 0) * 1000,
  }));
  const latest = Math.max(...asked.map(({ atMs }) => atMs)); // by the server's clock, like the others
  return Math.max(1, new Set(asked.flatMap((one) => (latest - one.atMs <= ASKS_WITHIN_MS ? one.identity : []))).size);
}
