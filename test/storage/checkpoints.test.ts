/** Checkpoints: what counts as committed, and where a run goes on after a loss. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointRef, Position } from '../../config/artifacts';
import { CheckpointStore } from '../../storage/checkpoints';
import { FileStore } from '../../storage/file-store';
import { runLayout } from '../../storage/run-layout';
import { keyOf, type ObjectStore } from '../../storage/store';
import { FaultyStore, flipOneByte, keysOf, once, truncate } from './support/faulty-store';
import { freshFolder } from './support/temporary-folder';

let store: ObjectStore;
let checkpoints: CheckpointStore;
beforeEach(async () => {
  store = new FileStore(await freshFolder());
  checkpoints = new CheckpointStore(store, 'r');
});

const indexDigest = 'd'.repeat(64);

interface Made {
  readonly step: number;
  readonly parent: CheckpointRef | null;
  /** What tells branches of equal steps apart. */
  readonly weights?: string;
  readonly epoch?: number;
  readonly index?: string;
  readonly into?: CheckpointStore;
}

async function commit({
  step,
  parent,
  weights = '',
  epoch = 2,
  index = indexDigest,
  into,
}: Made): Promise<CheckpointRef> {
  const folder = await freshFolder();
  const [tensorsFile, curveFile] = [join(folder, 'tensors'), join(folder, 'curve')];
  await writeFile(tensorsFile, `weights at ${step} ${weights}`);
  await writeFile(curveFile, `rows to ${step} ${weights}`);
  const position: Position = { phase: 'train', epoch, step, globalStep: step };
  const manifest = { version: 1, position, parent: parent?.digest ?? null, index, seed: 1, fingerprint: {} } as const;
  return (into ?? checkpoints).commit({ manifest, tensorsFile, curveFile });
}

test('S1: a checkpoint is named by its content: committed twice, it is the same objects', async () => {
  const first = await commit({ step: 3, parent: null });
  const keys = await keysOf(store);
  expect(await commit({ step: 3, parent: null })).toEqual(first);
  expect(await keysOf(store)).toEqual(keys);
  expect(keyOf(store, first.manifest.uri)).toBe(`runs/r/train/0000000003/${first.digest}.json`);
  expect(await checkpoints.read(first)).toMatchObject({ position: first.position, parent: null });
});

test('S1: eight creators of one checkpoint end with one manifest', async () => {
  const refs = await Promise.all(Array.from({ length: 8 }, () => commit({ step: 3, parent: null })));
  expect(new Set(refs.map(({ digest }) => digest)).size).toBe(1);
  expect(await keysOf(store, 'runs/r/train/')).toHaveLength(1);
});

test('S2: killed between blobs and manifest, recovery finds the checkpoint before it', async () => {
  const start = await commit({ step: 10, parent: null, epoch: 1 });
  const whole = await commit({ step: 12, parent: start });
  const dies = new FaultyStore(
    store,
    once(
      (operation) => operation === 'create',
      'before',
      () => new Error('SIGKILL'),
    ),
  );
  await expect(commit({ step: 14, parent: start, into: new CheckpointStore(dies, 'r') })).rejects.toThrow('SIGKILL');
  expect(await keysOf(store, runLayout('r').blobs)).toHaveLength(6);
  expect(await checkpoints.recover(start, 'train', 2)).toEqual(whole);
});

describe('S4: recovery follows parents', () => {
  let start: CheckpointRef;
  beforeEach(async () => {
    start = await commit({ step: 10, parent: null, epoch: 1 });
  });

  test('nothing committed since: the answer is null, and the epoch starts where it was told to', async () => {
    expect(await checkpoints.recover(start, 'train', 2)).toBeNull();
    expect(await checkpoints.recover(null, 'warm-start', 1)).toBeNull();
  });

  test('the highest step of a chain, whether each names the last one or the start of the epoch', async () => {
    const twelve = await commit({ step: 12, parent: start });
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(twelve);
    const fourteen = await commit({ step: 14, parent: twelve });
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(fourteen);
    const sixteen = await commit({ step: 16, parent: start });
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(sixteen);
  });

  test('a zombie that went further on another branch is not followed', async () => {
    const stranger = await commit({ step: 10, parent: null, epoch: 1, weights: 'of the zombie' });
    const mine = await commit({ step: 12, parent: start });
    const theirs = await commit({ step: 19, parent: stranger });
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(mine);
    expect(await checkpoints.recover(stranger, 'train', 2)).toEqual(theirs);
  });

  test('after a reset to the start, only what grew from that start counts', async () => {
    const ended = await commit({ step: 20, parent: start });
    const next = await commit({ step: 30, parent: ended, epoch: 3 });
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(ended);
    expect(await checkpoints.recover(ended, 'train', 3)).toEqual(next);
    expect(await checkpoints.recover(start, 'train', 3)).toBeNull();
  });

  test('a fork inside an epoch: from a point on one branch, the other is not seen', async () => {
    const left = await commit({ step: 12, parent: start, weights: 'left' });
    const right = await commit({ step: 12, parent: start, weights: 'right' });
    const leftLater = await commit({ step: 13, parent: left, weights: 'left' });
    const rightLater = await commit({ step: 18, parent: right, weights: 'right' });
    expect(await checkpoints.recover(left, 'train', 2)).toEqual(leftLater);
    expect(await checkpoints.recover(right, 'train', 2)).toEqual(rightLater);
  });

  test('S5: what was trained under another index is another branch', async () => {
    const other = 'e'.repeat(64);
    const mine = await commit({ step: 12, parent: start });
    await commit({ step: 15, parent: start, index: other });
    expect(await checkpoints.recover(start, 'train', 2, { index: indexDigest })).toEqual(mine);
    expect(await checkpoints.recover(start, 'train', 2, { index: null })).toBeNull();
  });

  test('the checkpoints of earlier epochs are not read: going on costs the same after a thousand of them', async () => {
    let parent = start;
    for (const step of [20, 30, 40]) parent = await commit({ step, parent, epoch: step / 10 });
    const own = await commit({ step: 45, parent, epoch: 5 });
    const watched = new FaultyStore(store);
    expect(await new CheckpointStore(watched, 'r').recover(parent, 'train', 5)).toEqual(own);
    const steps = watched.calls.flatMap((call) => /train\/(\d+)\//.exec(call)?.[1] ?? []).map(Number);
    expect(new Set(steps)).toEqual(new Set([45]));
  });

  test('stopped before its first step, an epoch goes on from there', async () => {
    const stopped = await commit({ step: 10, parent: start, epoch: 2 });
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(stopped);
  });

  test('another run and another phase are not looked at', async () => {
    await commit({ step: 15, parent: start, into: new CheckpointStore(store, 'r--magnet') });
    expect(await checkpoints.recover(start, 'train', 2)).toBeNull();
    expect(await checkpoints.recover(start, 'warm-start', 2)).toBeNull();
  });

  test('control: without the parent, the highest number would be taken, and it is the wrong one', async () => {
    const stranger = await commit({ step: 10, parent: null, epoch: 1, weights: 'of the zombie' });
    await commit({ step: 12, parent: start });
    const theirs = await commit({ step: 19, parent: stranger });
    const highest = (await keysOf(store, 'runs/r/train/')).at(-1);
    expect(highest).toBe(keyOf(store, theirs.manifest.uri));
    expect(await checkpoints.recover(start, 'train', 2)).not.toEqual(theirs);
  });

  test.each([
    [
      'a manifest cut short',
      (ref: CheckpointRef) => truncate(store, keyOf(store, ref.manifest.uri)),
      'train/0000000014/',
    ],
    [
      'a flipped byte in the manifest',
      (ref: CheckpointRef) => flipOneByte(store, keyOf(store, ref.manifest.uri)),
      'train/0000000014/',
    ],
    [
      'a flipped byte in the weights',
      async (ref: CheckpointRef) => flipOneByte(store, await blobOf(ref, 'tensors')),
      'blobs/',
    ],
    ['a curve cut short', async (ref: CheckpointRef) => truncate(store, await blobOf(ref, 'curve')), 'blobs/'],
    ['missing weights', async (ref: CheckpointRef) => store.delete(await blobOf(ref, 'tensors')), 'is missing'],
  ])('S2: %s is passed over by name, and mended when the step is made again', async (_what, damage, name) => {
    const whole = await commit({ step: 12, parent: start });
    const damaged = await commit({ step: 14, parent: start });
    await damage(damaged);
    const skipped: string[] = [];
    expect(await checkpoints.recover(start, 'train', 2, { skipped })).toEqual(whole);
    expect(skipped.join()).toContain(name);
    expect(skipped).toHaveLength(1);

    expect(await commit({ step: 14, parent: start })).toEqual(damaged);
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(damaged);
  });

  test('a chain whose middle is damaged is not trusted beyond it', async () => {
    const twelve = await commit({ step: 12, parent: start });
    const thirteen = await commit({ step: 13, parent: twelve });
    await commit({ step: 14, parent: thirteen });
    await store.delete(keyOf(store, thirteen.manifest.uri));
    expect(await checkpoints.recover(start, 'train', 2)).toEqual(twelve);
  });

  test('a store that does not answer is no damage: recovery fails as such', async () => {
    await commit({ step: 12, parent: start });
    const silent = new FaultyStore(
      store,
      once((operation) => operation === 'get', 'before'),
    );
    const recovering = new CheckpointStore(silent, 'r').recover(start, 'train', 2);
    await expect(recovering).rejects.toMatchObject({ kind: 'StoreUnavailable' });
  });

  async function blobOf(ref: CheckpointRef, blob: 'tensors' | 'curve'): Promise<string> {
    return keyOf(store, (await checkpoints.read(ref))[blob].uri);
  }
});

describe('S5: the record of an epoch', () => {
  test('is found under what the epoch started from, and under nothing else', async () => {
    const start = await commit({ step: 10, parent: null, epoch: 1 });
    const end = await commit({ step: 20, parent: start });
    expect(await checkpoints.epochRecord('train', 2, start, indexDigest).read()).toBeNull();
    expect(await checkpoints.epochRecord('train', 2, start, indexDigest).create(end)).toEqual(end);
    expect(await checkpoints.epochRecord('train', 2, start, indexDigest).read()).toEqual(end);
    expect(await checkpoints.epochRecord('train', 2, null, indexDigest).read()).toBeNull();
    expect(await checkpoints.epochRecord('train', 2, start, null).read()).toBeNull();
    expect(await checkpoints.epochRecord('train', 3, start, indexDigest).read()).toBeNull();
    expect(await checkpoints.epochRecord('warm-start', 2, start, indexDigest).read()).toBeNull();
  });

  test('is the one of the attempt that was first', async () => {
    const first = await commit({ step: 20, parent: null });
    const second = await commit({ step: 20, parent: null, weights: 'rounded otherwise' });
    await checkpoints.epochRecord('train', 2, null, null).create(first);
    expect(await checkpoints.epochRecord('train', 2, null, null).create(second)).toEqual(first);
  });

  test('S2: whose checkpoint is lost for good gives way to another', async () => {
    const lost = await commit({ step: 20, parent: null });
    const record = checkpoints.epochRecord('train', 2, null, null);
    await record.create(lost);
    await store.delete(keyOf(store, lost.manifest.uri));
    const other = await commit({ step: 20, parent: null, weights: 'rounded otherwise' });
    expect(await record.create(other)).toEqual(other);
    expect(await record.read()).toEqual(other);
  });

  test('S2: counts as none while its checkpoint is damaged, so that the epoch is trained and mended', async () => {
    const end = await commit({ step: 20, parent: null });
    const record = checkpoints.epochRecord('train', 2, null, null);
    await record.create(end);
    await flipOneByte(store, keyOf(store, (await checkpoints.read(end)).tensors.uri));
    expect(await record.read()).toBeNull();
    await commit({ step: 20, parent: null });
    expect(await record.read()).toEqual(end);
  });
});

describe('S8: what a damaged checkpoint grew from', () => {
  let chain: CheckpointRef[];
  beforeEach(async () => {
    chain = [await commit({ step: 10, parent: null, epoch: 1 })];
    for (const epoch of [2, 3]) chain.push(await commit({ step: epoch * 10, parent: chain[epoch - 2], epoch }));
  });
  const damage = async (ref: CheckpointRef): Promise<void> => {
    const { tensors } = await checkpoints.read(ref);
    await store.put(keyOf(store, tensors.uri), Buffer.from('others'));
  };

  test('is its parent, or that one’s where it is damaged as well', async () => {
    await damage(chain[2]);
    expect(await checkpoints.lastGood(chain[2])).toEqual(chain[1]);
    await damage(chain[1]);
    expect(await checkpoints.lastGood(chain[2])).toEqual(chain[0]);
    await damage(chain[0]);
    expect(await checkpoints.lastGood(chain[2])).toBeNull();
  });

  test('is not known where the manifest that names it is lost', async () => {
    await store.delete(keyOf(store, chain[2].manifest.uri));
    expect(await checkpoints.lastGood(chain[2])).toBeNull();
  });
});
