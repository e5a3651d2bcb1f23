/**
 * The training activity above a trainer that is played: what it goes on from, when it gives up, what a cancellation means.
 * No Temporal server, no trainer process.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import type { CheckpointManifest, CheckpointRef } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import { readEvents } from '../../activities/events';
import type { RefreshRequest } from '../../activities/requests';
import type { TrainerHooks, WorkOutcome } from '../../activities/trainer/host';
import type { RefreshWork } from '../../activities/trainer/protocol';
import { createTrainerActivities } from '../../activities/training';
import { LodestoneError } from '../../errors';
import { CheckpointStore } from '../../storage/checkpoints';
import { runLayout } from '../../storage/run-layout';
import { keyOf } from '../../storage/store';
import { FaultyStore, keysOf } from '../storage/support/faulty-store';
import { finished, lost, PlayedTraining, RUN, stepTo, type Play, type Stage } from './played-training';

let played: PlayedTraining;

beforeEach(async () => {
  played = await PlayedTraining.begin();
});
afterEach(() => played.end());

const outOfMemory = (): never => {
  throw new LodestoneError('OutOfMemory', 'no memory');
};

describe('P4: a lost trainer', () => {
  it('goes on from the last commit inside the same attempt, as often as it gets further', async () => {
    const from: (number | null)[] = [];
    const outcome = await played.train(
      played.stage(async (work, hooks) => {
        const start = work.from?.position.globalStep ?? 0;
        from.push(work.from === null ? null : start);
        const checkpoint = await stepTo(start + 5, work, hooks);
        return start + 5 < 40 ? lost() : finished(checkpoint);
      }),
    );
    expect(from).toEqual([null, 5, 10, 15, 20, 25, 30, 35]);
    expect(outcome.checkpoint.position.globalStep).toBe(40);
  });

  it('five times without a later commit is NoProgress, which is not tried again', async () => {
    let tries = 0;
    const playing = played.stage((_, hooks) => {
      tries += 1;
      hooks.onStep(3); // applied, never committed
      return lost();
    });
    await expect(played.train(playing)).rejects.toMatchObject({ type: 'NoProgress', nonRetryable: true });
    expect(tries).toBe(5);
    const reached = (await readEvents(played.store, RUN)).flatMap((event) =>
      event.type === 'lost' ? [event.reached] : [],
    );
    expect(reached).toEqual([3, 3, 3, 3, 3]);
  });

  it('out of memory is tried once more on the device that is its own', async () => {
    let tries = 0;
    const playing = played.stage(() => {
      tries += 1;
      return outOfMemory();
    });
    await expect(played.train(playing)).rejects.toMatchObject({ type: 'OutOfMemory', nonRetryable: true });
    expect(tries).toBe(2);
  });

  it('a trainer that was lost before takes no try from one that is out of memory', async () => {
    const ends = [lost, outOfMemory];
    const outcome = await played.train(
      played.stage(async (work, hooks) => {
        const end = ends.shift();
        return end ? end() : finished(await stepTo(5, work, hooks));
      }),
    );
    expect(outcome.checkpoint.position.globalStep).toBe(5);
  });

  it('what would happen again is not tried again', async () => {
    let tries = 0;
    const playing = played.stage(() => {
      tries += 1;
      throw new LodestoneError('NumericalDivergence', 'the loss is not finite');
    });
    await expect(played.train(playing)).rejects.toMatchObject({ type: 'NumericalDivergence', nonRetryable: true });
    expect(tries).toBe(1);
  });
});

describe('P3: what a cancellation means', () => {
  /** Trains until it is told to stop, then commits and ends early. */
  const untilStopped =
    (playing: () => Stage, onBegin = (): void => undefined): Play =>
    async (work, hooks) => {
      onBegin();
      while (playing().told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return finished(await stepTo(7, work, hooks), 'stopped');
    };
  const cancel = ({ environment }: Stage, details: Record<string, boolean>): void => {
    const none = { cancelRequested: false, notFound: false, timedOut: false, paused: false, reset: false };
    environment.cancel('CANCELLED', { ...none, workerShutdown: false, ...details });
  };
  async function cancelled(details: Record<string, boolean>): Promise<{ outcome: unknown; told: string[] }> {
    let onBegin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (onBegin = resolve));
    const playing: Stage = played.stage(untilStopped(() => playing, onBegin));
    const training = played.train(playing).catch((error: unknown) => error);
    await Promise.race([begun, training]);
    cancel(playing, details);
    return { outcome: await training, told: playing.told };
  }
  const committed = (): Promise<string[]> => keysOf(played.store, runLayout(RUN).checkpoints('train'));

  it('a stop: the checkpoint is made and returned', async () => {
    const { outcome, told } = await cancelled({ cancelRequested: true });
    expect(told).toEqual(['stop']);
    expect(outcome).toMatchObject({ outcome: 'stopped', checkpoint: { position: { globalStep: 7 } } });
  });

  it.each(['paused', 'reset'])('%s: the checkpoint is made, the cancellation goes on', async (why) => {
    const { outcome, told } = await cancelled({ [why]: true });
    expect(told).toEqual(['stop']);
    expect(outcome).toBeInstanceOf(CancelledFailure);
    expect(await new CheckpointStore(played.store, RUN).recover(null, 'train', 1)).toMatchObject({
      position: { globalStep: 7 },
    });
  });

  it('the end of the worker: the checkpoint is made, and another worker is asked at once', async () => {
    const { outcome } = await cancelled({ workerShutdown: true });
    expect(outcome).toMatchObject({ type: 'WorkerShutdown', nonRetryable: false });
  });

  describe.each(['notFound', 'timedOut'])('%s: the attempt is nobody’s any more', (why) => {
    it('the trainer is killed, and what it had handed on is not committed', async () => {
      const { outcome, told } = await cancelled({ [why]: true });
      expect(told).toEqual(['kill']);
      expect(outcome).toBeInstanceOf(CancelledFailure);
      expect(await committed()).toEqual([]);
    });

    it('heard of before the work is sent: nothing is trained, nothing is committed', async () => {
      let works = 0;
      const playing = played.stage(async (work, hooks) => {
        works += 1;
        return finished(await stepTo(10, work, hooks));
      });
      cancel(playing, { [why]: true });
      await expect(played.train(playing)).rejects.toBeInstanceOf(CancelledFailure);
      expect(works).toBe(0);
      expect(await committed()).toEqual([]);
    });
  });

  it('a stop that is heard of before the work is sent: the work begins, is told to stop, and its checkpoint returned', async () => {
    const playing: Stage = played.stage(untilStopped(() => playing));
    cancel(playing, { cancelRequested: true });
    expect(await played.train(playing)).toMatchObject({
      outcome: 'stopped',
      checkpoint: { position: { globalStep: 7 } },
    });
    expect(playing.told).toEqual(['stop']);
  });
});

describe('P4, S7: a refresh whose trainer is lost', () => {
  async function refresh(play: (work: RefreshWork, hooks: TrainerHooks) => Promise<WorkOutcome>): Promise<unknown> {
    const { checkpoint } = await played.train(
      played.stage(async (work, hooks) => finished(await stepTo(10, work, hooks))),
    );
    const { services, environment } = played.stage(play as unknown as Play);
    const activities = createTrainerActivities(services);
    const recipe = Recipe.parse({});
    const { dataSet } = played;
    const request: RefreshRequest = { run: RUN, recipe, threads: 1, dataSet, checkpoint, previous: null, epoch: 2 };
    return environment.run((given: RefreshRequest) => activities.refreshIndex(given), request);
  }

  it('five times without another part is NoProgress', async () => {
    let tries = 0;
    const playing = refresh(() => {
      tries += 1;
      return lost();
    });
    await expect(playing).rejects.toMatchObject({ type: 'NoProgress', nonRetryable: true });
    expect(tries).toBe(5);
  });

  it('goes on from the committed parts, as often as there is another one', async () => {
    const known: number[][] = [];
    await refresh(async ({ parts }, hooks) => {
      known.push(parts.map(({ part }) => part));
      const tensors = join(played.folder, `part-${parts.length}`);
      await writeFile(tensors, `part ${parts.length}`);
      if (parts.length < 7) {
        await hooks.keepPart({ part: parts.length, tensors });
        return lost();
      }
      const refreshed = { kind: 'embeddings', tensors, variance: null, clusters: 0, validationError: null } as const;
      return { result: { type: 'refreshed', ...refreshed, warnings: [] }, checkpoint: null };
    });
    expect(known).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((count) => [...Array(count).keys()]));
  });
});

describe('B1: an epoch that goes on in another environment', () => {
  /** Trains five steps on each machine in turn; all but the last are lost after their checkpoint. */
  async function trainOn(...cpus: string[]): Promise<CheckpointManifest> {
    for (const [i, cpu] of cpus.entries()) {
      const isLast = i === cpus.length - 1;
      const outcome = played.train(
        played.stage(async (work, hooks) => {
          expect(work.from?.position.globalStep ?? 0).toBe(5 * i); // it goes on, it does not begin anew
          const checkpoint = await stepTo(5 * (i + 1), work, hooks, { cpu });
          if (isLast) return finished(checkpoint);
          throw new LodestoneError('StoreUnavailable', 'the host is gone (of the test)');
        }),
      );
      if (isLast) return new CheckpointStore(played.store, RUN).read((await outcome).checkpoint);
      await expect(outcome).rejects.toMatchObject({ type: 'StoreUnavailable' });
    }
    throw new Error('no machine trained');
  }

  it('says at its end which others made part of it', async () => {
    expect(await trainOn('a', 'b')).toMatchObject({ fingerprint: { cpu: 'b' }, otherFingerprints: [{ cpu: 'a' }] });
  });

  it('is not forgotten where the first one ends it', async () => {
    expect(await trainOn('a', 'b', 'a')).toMatchObject({
      fingerprint: { cpu: 'a' },
      otherFingerprints: [{ cpu: 'b' }],
    });
  });

  it('control: resumed in its own, it is the checkpoint of an epoch that was not interrupted', async () => {
    expect(await trainOn('a', 'a')).not.toHaveProperty('otherFingerprints');
  });
});

it('P5: an epoch beats before it reads anything of the store: a checkpoint may take minutes over a slow line', async () => {
  let beats = 0;
  const beatsAtRead: number[] = [];
  const seen = new FaultyStore(played.store, (operation, _, go) => {
    if (operation.startsWith('get')) beatsAtRead.push(beats);
    return go();
  });
  const stage = played.stage(async (work, hooks) => finished(await stepTo(10, work, hooks)), seen);
  stage.environment.on('heartbeat', () => (beats += 1));
  await played.train(stage);
  expect(beatsAtRead.length).toBeGreaterThan(0);
  expect(Math.min(...beatsAtRead)).toBeGreaterThan(0);
});

it('S5: a finished epoch is returned, not trained again', async () => {
  const playing = played.stage(async (work, hooks) => finished(await stepTo(10, work, hooks)));
  const first = await played.train(playing);
  const idle = played.stage(() => Promise.reject(new Error('it was trained again')));
  const { checkpoint, outcome } = first;
  expect(await played.train(idle)).toMatchObject({ checkpoint, outcome });
});

it('S8: a checkpoint that cannot be read is named, with the last good one, and not tried again', async () => {
  const ends: CheckpointRef[] = [];
  for (let epoch = 1; epoch <= 3; epoch++) {
    const playing = played.stage(async (work, hooks) => finished(await stepTo(10 * epoch, work, hooks)));
    ends.push((await played.train(playing, { epoch, from: ends.at(-1) ?? null })).checkpoint);
  }
  for (const end of ends.slice(1)) {
    const { tensors } = await new CheckpointStore(played.store, RUN).read(end);
    await played.store.delete(keyOf(played.store, tensors.uri));
  }
  const idle = played.stage(() => Promise.reject(new Error('it was trained from nothing')));
  await expect(played.train(idle, { epoch: 4, from: ends[2] })).rejects.toMatchObject({
    type: 'InputRejected',
    nonRetryable: true,
    details: [{ what: expect.stringContaining('checkpoint'), lastGood: ends[0].digest }],
  });
});
