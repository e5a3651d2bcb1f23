/** The workflows on a real Temporal server above fake activities: what they do when something goes wrong. */
import { activityInfo } from '@temporalio/activity';
import { queues } from '../../config/queues';
import { digestOf } from '../../config/canonical-json';
import type { Carried, RunProgress } from '../../config/workflow-input';
import type { EpochRequest, TrainerActivities } from '../../activities/requests';
import { resultOf } from '../cli/support';
import {
  answering,
  endOf,
  failing,
  gate,
  hostQueue,
  namesOf,
  objectOf,
  stopping,
  trainingUntilStopped,
  untilLetGo,
  type Call,
} from './fake-activities';
import { causeOf, raiseHouse, runInput, type House } from './house';

let house: House;
beforeAll(async () => {
  house = await raiseHouse();
}, 120_000);
afterAll(() => house.end(), 30_000);

const epochsOf = (calls: readonly Call[], phase = 'train'): number[] =>
  calls.flatMap(({ activity, request }) =>
    activity === 'trainEpoch' && (request as EpochRequest).phase === phase ? [(request as EpochRequest).epoch] : [],
  );
describe('input', () => {
  it('W1: what breaks a rule ends the run at once, with the field, and no activity was asked', async () => {
    await house.serve({}, async (calls) => {
      const input = { ...runInput(1), recipe: { ...runInput(1).recipe, epochs: 0 } };
      expect(await causeOf(await house.start('bad-input', input))).toMatchObject({
        type: 'InvalidConfig',
        nonRetryable: true,
        message: expect.stringContaining('recipe.epochs'),
      });
      for (const name of ['Bad Name', 'trees--magnet--../x', 'trees----x'])
        expect(await causeOf(await house.start(name, runInput(1)))).toMatchObject({ type: 'InvalidConfig' });
      expect(calls).toEqual([]);
    });
  }, 60_000);
});

describe('updates', () => {
  it('W2: a run extended while it is evaluated trains on, and ends with the absolute target', async () => {
    const [evaluating, extended] = [gate(), gate()];
    const evaluateRun: TrainerActivities['evaluateRun'] = async (request) => {
      evaluating.open();
      await extended.passed;
      return answering.evaluateRun(request);
    };
    await house.serve({ evaluateRun }, async (calls) => {
      const handle = await house.run('extended', 1);
      await evaluating.passed;
      const extend = () => handle.executeUpdate<RunProgress, [{ epochs: number }]>('extend', { args: [{ epochs: 2 }] });
      expect([await extend(), await extend()]).toMatchObject([{ epochs: 2 }, { epochs: 2 }]);
      extended.open();
      expect((await handle.result()).result).toMatchObject({ epochs: 2, status: 'finished' });
      expect(epochsOf(calls)).toEqual([1, 2]);
      await expect(handle.executeUpdate('extend', { args: [{ epochs: 0 }] })).rejects.toThrow();
    });
  }, 60_000);

  it.each(['update', 'signal'])(
    'P3: a stop by %s lets the epoch checkpoint and evaluates what there is',
    async (how) => {
      const training = gate();
      await house.serve({ trainEpoch: trainingUntilStopped(training.open) }, async (calls) => {
        const handle = await house.run(`stopped-by-${how}`, 5);
        await training.passed;
        await (how === 'update' ? handle.executeUpdate('requestStop') : handle.signal('stop'));
        expect((await handle.result()).result).toMatchObject({ status: 'stopped', epochs: 0 });
        expect(namesOf(calls).slice(-4)).toEqual(['trainEpoch', 'refreshIndex', 'evaluateRun', 'finishRun']);
      });
    },
    60_000,
  );

  it.each(['warm-start', 'preprocess'] as const)(
    'P3: a stop in the stage %s ends the run there, and the next start goes on to its end',
    async (stage) => {
      const [begun, name] = [gate(), `stopped-in-${stage}`];
      let isFirst = true;
      const trainEpoch: TrainerActivities['trainEpoch'] = (request) =>
        isFirst
          ? answering.trainEpoch(request).then((end) => stopping(begun.open, end))
          : answering.trainEpoch(request);
      const packShard: typeof answering.packShard = (request) =>
        isFirst ? (begun.open(), untilLetGo()) : answering.packShard(request);
      await house.serve(stage === 'preprocess' ? { packShard } : { trainEpoch }, async (calls) => {
        const handle = await house.run(name, 2);
        await begun.passed;
        await handle.executeUpdate('requestStop');
        expect(await causeOf(handle)).toMatchObject({ type: 'RunStopped' });
        expect(await handle.describe()).toMatchObject({ memo: { stopped: true } });
        expect(namesOf(calls)).not.toContain('refreshIndex');
        isFirst = false;
        expect((await (await house.run(name, 2)).result()).result).toMatchObject({ status: 'finished', epochs: 2 });
      });
    },
    60_000,
  );

  /** As an epoch whose worker dies, or whose store goes away, after it was told to stop: the server tries it no more. */
  const failingWhenStopped =
    (begun: () => void): TrainerActivities['trainEpoch'] =>
    async () => {
      begun();
      await untilLetGo().catch(() => undefined);
      throw failing('StoreUnavailable');
    };

  it('P3: a stop ends the warm start as stopped, also where what it cancels fails then', async () => {
    const begun = gate();
    await house.serve({ trainEpoch: failingWhenStopped(begun.open) }, async () => {
      const handle = await house.run('stopped-and-failed', 2);
      await begun.passed;
      await handle.executeUpdate('requestStop');
      expect(await causeOf(handle)).toMatchObject({ type: 'RunStopped' });
    });
  }, 60_000);

  it('P3: a stop evaluates what there is, also where the epoch that it cancels fails then', async () => {
    const begun = gate();
    const checkpoint = endOf({ phase: 'warm-start', epoch: 1, from: null });
    const manifest = objectOf('index');
    const carried: Carried = {
      ...{ dataSet: objectOf('data set'), threads: 1, configuration: digestOf('configuration') },
      ...{ checkpoint, warmStart: checkpoint, epoch: 0, epochs: 3, stopRequested: false, validationErrors: [0.5] },
      index: { manifest, digest: manifest.sha256, validationError: 0.5 },
    };
    await house.serve({ trainEpoch: failingWhenStopped(begun.open) }, async (calls) => {
      // As a run goes on after continue-as-new: on the shared queue, where nothing but the server's retries comes after a failure.
      const handle = await house.start('carried-stopped-and-failed', { ...runInput(3), carried });
      await begun.passed;
      await handle.executeUpdate('requestStop');
      expect(await handle.result()).toMatchObject({ result: { status: 'stopped', epochs: 0 } });
      expect(namesOf(calls)).toEqual(['trainEpoch', 'evaluateRun', 'finishRun']);
    });
  }, 60_000);

  it('W2: everything is carried over to the next execution of a long run', async () => {
    await house.serve({}, async (calls) => {
      const handle = await house.run('long', 20);
      expect((await handle.result()).result).toMatchObject({ epochs: 20, status: 'finished' });
      expect(epochsOf(calls)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(epochsOf(calls, 'warm-start')).toEqual([1]);
      const last = await house.client.workflow.getHandle('long').describe();
      expect(last.runId).not.toBe(handle.firstExecutionRunId); // it did continue as new
    });
  }, 60_000);
});

describe('W3: the same name', () => {
  it('attaches to the open run', async () => {
    const training = gate();
    await house.serve({ trainEpoch: trainingUntilStopped(training.open) }, async () => {
      const first = await house.run('attached', 3);
      await training.passed;
      const again = await house.client.workflow.start('trainPipeline', {
        taskQueue: queues.pipeline,
        workflowId: 'attached',
        args: [runInput(3)],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      expect((await again.describe()).runId).toBe(first.firstExecutionRunId);
      await first.signal('stop');
      await first.result();
    });
  }, 60_000);

  it('returns the result that storage holds, and computes nothing', async () => {
    const finished = { result: resultOf('found', { epochs: 2 }), report: objectOf('report') };
    const bindRun: typeof answering.bindRun = async (request) => ({ ...(await answering.bindRun(request)), finished });
    await house.serve({ bindRun }, async (calls) => {
      expect(await (await house.run('found', 2)).result()).toMatchObject({ report: finished.report });
      expect(namesOf(calls)).toEqual(['bindRun']);
    });
  }, 60_000);
});

describe('timeouts', () => {
  it('P5, P6: every activity has a heartbeat timeout of 15 s, and 10 s to start where its queue is private', async () => {
    await house.serve({}, async (calls) => {
      const handle = await house.run('timed', 2);
      await handle.result();
      const { events } = await handle.fetchHistory();
      const scheduled = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: one }) => one ?? []);
      expect(scheduled).toHaveLength(calls.length);
      for (const { heartbeatTimeout, scheduleToStartTimeout, retryPolicy, taskQueue } of scheduled) {
        const isPrivate = taskQueue?.name === hostQueue;
        expect(Number(heartbeatTimeout?.seconds)).toBe(15);
        expect(Number(scheduleToStartTimeout?.seconds) === 10).toBe(isPrivate);
        expect(retryPolicy?.maximumAttempts).toBe(isPrivate ? 1 : 0); // 0: as often as it takes (P4)
        if (!isPrivate) expect(Number(retryPolicy?.maximumInterval?.seconds)).toBe(5);
      }
    });
  }, 60_000);
});

describe('P6: the private queue of the host that holds the state warm', () => {
  /** Queues that the works of training were taken from, in order. */
  async function queuesOf(name: string, first: (queue: string) => Error | null): Promise<string[]> {
    const seen: string[] = [];
    const trainEpoch: TrainerActivities['trainEpoch'] = (request) => {
      if (request.phase === 'warm-start') return answering.trainEpoch(request);
      const { taskQueue } = activityInfo();
      const failure = seen.length === 0 ? first(taskQueue) : null;
      seen.push(taskQueue);
      return failure ? Promise.reject(failure) : answering.trainEpoch(request);
    };
    await house.serve({ trainEpoch }, async () => (await house.run(name, 2)).result());
    return seen;
  }

  it('is asked first', async () => {
    expect(await queuesOf('warm', () => null)).toEqual([hostQueue, hostQueue]);
  }, 60_000);

  it.each(['DeviceBusy', 'TrainerLost', 'WorkerShutdown', 'StoreUnavailable'] as const)(
    'is left for the shared one after %s, and used again afterwards',
    async (kind) => {
      const name = `left-after-${kind.toLowerCase()}`;
      expect(await queuesOf(name, () => failing(kind))).toEqual([hostQueue, queues.gpu, hostQueue]);
    },
    60_000,
  );

  it('is not left for what would fail anywhere: the run fails', async () => {
    const trainEpoch: TrainerActivities['trainEpoch'] = (request) =>
      request.phase === 'warm-start'
        ? answering.trainEpoch(request)
        : Promise.reject(failing('NumericalDivergence', { step: 3 }));
    await house.serve({ trainEpoch }, async (calls) => {
      expect(await causeOf(await house.run('diverged', 2))).toMatchObject({ type: 'NumericalDivergence' });
      expect(epochsOf(calls)).toEqual([1]);
    });
  }, 60_000);

  it('is left after 10 s where nobody takes the work: its host is gone', async () => {
    const warmAt = async (request: EpochRequest) => ({
      ...(await answering.trainEpoch(request)),
      hostQueue: request.phase === 'warm-start' ? 'lodestone-gpu-of-a-lost-host' : hostQueue,
    });
    await house.serve({ trainEpoch: warmAt }, async (calls) => {
      const handle = await house.run('host-lost', 1);
      expect((await handle.result()).result.status).toBe('finished');
      expect(namesOf(calls).filter((name) => name === 'refreshIndex')).toHaveLength(2);
      const { events } = await handle.fetchHistory();
      const timeouts = (events ?? []).flatMap(
        ({ activityTaskTimedOutEventAttributes: timedOut }) => timedOut?.failure?.timeoutFailureInfo?.timeoutType ?? [],
      );
      expect(timeouts).toEqual([2]); // SCHEDULE_TO_START, once
    });
  }, 60_000);
});

describe('S8: an input that cannot be read', () => {
  it('sends the run back to the checkpoint that is named as good', async () => {
    let broken = true;
    const trainEpoch: TrainerActivities['trainEpoch'] = (request) => {
      if (request.phase === 'train' && request.epoch === 4 && broken) {
        broken = false;
        const first = endOf({ phase: 'warm-start', epoch: 1, from: null });
        const lastGood = endOf({ phase: 'train', epoch: 1, from: first }).digest;
        return Promise.reject(failing('InputRejected', { what: 'checkpoint', lastGood }));
      }
      return answering.trainEpoch(request);
    };
    await house.serve({ trainEpoch }, async (calls) => {
      expect((await (await house.run('sent-back', 4)).result()).result).toMatchObject({
        epochs: 4,
        status: 'finished',
      });
      expect(epochsOf(calls)).toEqual([1, 2, 3, 4, 2, 3, 4]);
      const requests = calls.filter(({ activity }) => activity === 'trainEpoch').map(({ request }) => request);
      expect(requests[5]).toEqual(requests[2]); // the very same work, found where it was done (S5)
    });
  }, 60_000);

  it('in the evaluation or the last records too, back to the beginning where one step back does not help', async () => {
    let rejections = 2;
    const finishRun: typeof answering.finishRun = (request) =>
      rejections-- > 0
        ? Promise.reject(failing('InputRejected', { what: 'records', lastGood: null }))
        : answering.finishRun(request);
    await house.serve({ finishRun }, async (calls) => {
      await (await house.run('records-lost', 2)).result();
      expect(epochsOf(calls)).toEqual([1, 2, 2, 1, 2]);
      expect(epochsOf(calls, 'warm-start')).toEqual([1, 1]);
    });
  }, 60_000);

  it('fails the run where going back does not help', async () => {
    const refreshIndex: TrainerActivities['refreshIndex'] = () =>
      Promise.reject(failing('InputRejected', { what: 'checkpoint', lastGood: null }));
    await house.serve({ refreshIndex }, async (calls) => {
      expect(await causeOf(await house.run('always-rejected', 1))).toMatchObject({ type: 'InputRejected' });
      expect(namesOf(calls).filter((name) => name === 'refreshIndex')).toHaveLength(4);
    });
  }, 60_000);
});
