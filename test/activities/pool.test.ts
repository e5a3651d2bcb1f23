/** How many trainers there are, by what a Temporal server says of who asks. */
import type { Client } from '@temporalio/client';
import { countTrainers } from '../../activities/pool';
import { queues } from '../../config/queues';

const now = 1_800_000_000;

/** @param asked seconds since each asked, by name */
function serverSaying(...asked: readonly [identity: string, secondsAgo: number][]): Client {
  const pollers = asked.map(([identity, ago]) => ({ identity, lastAccessTime: { seconds: now - ago, nanos: 0 } }));
  const describeTaskQueue = (request: object): Promise<object> => {
    expect(request).toMatchObject({ namespace: 'ours', taskQueue: { name: queues.gpu }, taskQueueType: 2 });
    return Promise.resolve({ pollers });
  };
  return { options: { namespace: 'ours' }, workflowService: { describeTaskQueue } } as unknown as Client;
}

it('each host counts once, whatever its restarts', async () => {
  expect(await countTrainers(serverSaying(['one', 0], ['two', 50], ['one', 40]))).toBe(2);
});

it('who has not asked for more than a minute is gone, by the clock of the server', async () => {
  expect(await countTrainers(serverSaying(['one', 1000], ['two', 1070], ['dead', 1080]))).toBe(2);
});

it('there is one where nobody asks (this one is at work) or the server does not say', async () => {
  expect(await countTrainers(serverSaying())).toBe(1);
  const refusing = {
    options: { namespace: 'ours' },
    workflowService: { describeTaskQueue: () => Promise.reject(new Error('permission denied')) },
  } as unknown as Client;
  expect(await countTrainers(refusing)).toBe(1);
});
