/**
 * Files between the training activity and a trainer that is played: what becomes of those that it hands over, and of what
 * it made of shards that come behind it. No Temporal server, no trainer process.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointRef } from '../../config/artifacts';
import { Blobs } from '../../storage/blobs';
import { CheckpointStore } from '../../storage/checkpoints';
import { dataSets, runLayout } from '../../storage/run-layout';
import { FaultyStore, keysOf } from '../storage/support/faulty-store';
import { dataSetOfShard } from './played-data-sets';
import { finished, lost, PlayedTraining, RUN, stepTo, weightsAt } from './played-training';

let played: PlayedTraining;

beforeEach(async () => {
  played = await PlayedTraining.begin();
});
afterEach(() => played.end());

describe('files that a trainer hands over', () => {
  it('are gone once they are committed: an epoch of hours does not fill the disk', async () => {
    const left: string[][] = [];
    await played.train(
      played.stage(async (work, hooks) => {
        await stepTo(5, work, hooks);
        left.push(await readdir(work.scratch));
        const checkpoint = await stepTo(10, work, hooks);
        left.push(await readdir(work.scratch));
        return finished(checkpoint);
      }),
    );
    expect(left).toEqual([[], []]);
    expect(await readdir(join(played.folder, 'scratch'))).toEqual([]);
  });

  it('are its own: a commit that outlives a lost trainer holds what that one wrote, not what the next one does', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let isFirst = true;
    const slow = new FaultyStore(played.store, async (operation, _, go) => {
      if (operation !== 'putFile' || !isFirst) return go();
      isFirst = false;
      await held; // the digest is taken, the bytes are not
      return go();
    });
    let early: Promise<CheckpointRef> | null = null;
    const stage = played.stage(async (work, hooks) => {
      if (early === null) {
        early = stepTo(5, work, hooks);
        while (isFirst) await new Promise((resolve) => setImmediate(resolve));
        return lost();
      }
      const late = await stepTo(8, work, hooks);
      release();
      await early;
      return finished(late);
    }, slow);
    const { checkpoint } = await played.train(stage);
    const checkpoints = new CheckpointStore(played.store, RUN);
    if (early === null) throw new Error('nothing was played');
    for (const one of [await (early as Promise<CheckpointRef>), checkpoint]) {
      const { tensors } = await checkpoints.verify(one);
      const weights = await new Blobs(played.store, runLayout(RUN).blobs).getVerified(tensors);
      expect(Buffer.from(weights).toString()).toBe(weightsAt(one.position.globalStep));
    }
  });
});

describe('P7: a shard that comes behind the training', () => {
  const shard = Buffer.alloc(48, 7);
  const digest = createHash('sha256').update(shard).digest('hex');

  /** Trains two checkpoints while the shard is withheld until `arrive` resolves. */
  async function trainBehind(arrive: Promise<void>) {
    const faulty = new FaultyStore(played.store, async (operation, key, go) => {
      if (operation === 'getToFile' && key.endsWith(digest)) await arrive;
      return go();
    });
    played.dataSet = await dataSetOfShard(played.store, digest);
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const stage = played.stage(async (work, hooks) => {
      begin();
      await stepTo(5, work, hooks);
      return finished(await stepTo(10, work, hooks));
    }, faulty);
    return {
      begun,
      committed: async () => (await keysOf(played.store, runLayout(RUN).checkpoints('train'))).length,
      outcome: played.train(stage).catch((error: unknown) => error),
    };
  }

  it('what was trained before it is verified is committed after', async () => {
    await new Blobs(played.store, dataSets.blobs).putBytes(shard);
    let arrive = (): void => undefined;
    const { begun, committed, outcome } = await trainBehind(new Promise((resolve) => (arrive = resolve)));
    await begun;
    await new Promise((resolve) => setTimeout(resolve, 300)); // a commit takes some milliseconds
    expect(await committed()).toBe(0);
    arrive();
    expect(await outcome).toMatchObject({ outcome: 'finished' });
    expect(await committed()).toBe(2);
  });

  it('a damaged one ends the run, and nothing of it is committed', async () => {
    await played.store.put(dataSets.blobs + digest, Buffer.alloc(48, 8));
    const { committed, outcome } = await trainBehind(Promise.resolve());
    expect(await outcome).toMatchObject({ type: 'DataRejected', nonRetryable: true });
    expect(await committed()).toBe(0);
  });
});
