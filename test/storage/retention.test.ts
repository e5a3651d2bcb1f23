/** What a run stores and nobody will ask for again, and that whatever may be asked for stays. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EmbeddingPart, type CheckpointRef, type Position } from '../../config/artifacts';
import { Blobs } from '../../storage/blobs';
import { CheckpointStore } from '../../storage/checkpoints';
import { commitManifest, replaceManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { deleteGarbage, garbageOf, type Garbage } from '../../storage/retention';
import { runLayout } from '../../storage/run-layout';
import { keyOf, type ObjectStore } from '../../storage/store';
import { keysOf } from './support/faulty-store';
import { freshFolder } from './support/temporary-folder';

const layout = runLayout('r');
const HOUR = 3_600_000;
const garbage = (before = new Date(Date.now() + HOUR)): Promise<Garbage> => garbageOf(store, 'r', { before });
const collect = async (found: Garbage): Promise<number> => deleteGarbage(store, found, () => Promise.resolve(true));
const index = 'd'.repeat(64);
let store: ObjectStore;
let checkpoints: CheckpointStore;
beforeEach(async () => {
  store = new FileStore(await freshFolder());
  checkpoints = new CheckpointStore(store, 'r');
});

/** Step `step` of `epoch`, grown from the epoch's start; `weights` tells states of one step apart. */
async function commit(epoch: number, step: number, from: CheckpointRef | null, weights = ''): Promise<CheckpointRef> {
  const folder = await freshFolder();
  const [tensorsFile, curveFile] = [join(folder, 'tensors'), join(folder, 'curve')];
  await writeFile(tensorsFile, `weights ${epoch} ${step} ${weights}`);
  await writeFile(curveFile, `rows ${epoch} ${step} ${weights}`);
  const position: Position = { phase: 'train', epoch, step, globalStep: 10 * epoch + step };
  const manifest = { version: 1, position, parent: from?.digest ?? null, index, seed: 1, fingerprint: {} } as const;
  return checkpoints.commit({ manifest, tensorsFile, curveFile });
}

/** Two checkpoints inside an epoch and its end, which the epoch's record names. */
async function epochFrom(epoch: number, from: CheckpointRef | null): Promise<CheckpointRef[]> {
  const inside = [await commit(epoch, 3, from), await commit(epoch, 6, from)];
  const end = await commit(epoch, 10, from);
  await checkpoints.epochRecord('train', epoch, from, index).create(end);
  return [...inside, end];
}

const keysOfRefs = (refs: readonly CheckpointRef[]): string[] => refs.map(({ manifest }) => keyOf(store, manifest.uri));
const end = (status: 'finished' | 'stopped', checkpoint: CheckpointRef): Promise<unknown> =>
  replaceManifest(store, layout.result, z.any(), { result: { status, checkpoint } });

test('S9: checkpoints inside epochs that are over go with what they alone name; ends and the last epoch’s stay', async () => {
  const first = await epochFrom(1, null);
  const second = await epochFrom(2, first[2]);
  const third = [await commit(3, 3, second[2]), await commit(3, 6, second[2])];
  const found = await garbage();
  const over = [...first.slice(0, 2), ...second.slice(0, 2)];
  expect([...found.checkpoints].sort()).toEqual(keysOfRefs(over).sort());
  expect(found.blobs).toHaveLength(2 * over.length);
  expect(found).toMatchObject({ parts: [], damaged: [] });
  const gone = [...found.checkpoints, ...found.blobs];
  const sizes = await Promise.all(gone.map((key) => store.head(key)));
  expect(found.bytes).toBe(sizes.reduce((sum, facts) => sum + (facts?.bytes ?? NaN), 0));

  const before = await keysOf(store);
  expect(await collect(found)).toBe(gone.length);
  expect(await keysOf(store)).toEqual(before.filter((key) => !gone.includes(key)));
  expect(await garbage()).toEqual({ checkpoints: [], parts: [], blobs: [], bytes: 0, damaged: [] });

  // What a resume, a rewind and an epoch that is asked for again read.
  expect(await checkpoints.recover(second[2], 'train', 3, { index })).toEqual(third[1]);
  expect(await checkpoints.lastGood(third[1])).toEqual(second[2]);
  expect(await checkpoints.epochRecord('train', 1, null, index).read()).toEqual(first[2]);
  for (const ref of [first[2], second[2], ...third]) await checkpoints.verify(ref);
});

test('S2: killed after any object, the rest goes the next time', async () => {
  const [, , last] = await epochFrom(1, null);
  const whole = await garbage();
  const keys = [...whole.checkpoints, ...whole.blobs];
  for (const key of keys) {
    await store.delete(key);
    const left = await garbage();
    expect([...left.checkpoints, ...left.blobs].sort()).toEqual(keys.slice(keys.indexOf(key) + 1).sort());
  }
  await checkpoints.verify(last);
});

test('an epoch whose end is damaged keeps what it can be gone on with from', async () => {
  const [, last, over] = await epochFrom(1, null);
  const { tensors } = await checkpoints.read(over);
  await store.delete(keyOf(store, tensors.uri));
  expect(await garbage()).toMatchObject({
    checkpoints: [],
    blobs: [],
    damaged: [expect.stringContaining(tensors.uri)],
  });
  expect(await checkpoints.recover(null, 'train', 1, { index })).toEqual(last);
});

test('another end of an epoch stays: what grew from it may lie in another run', async () => {
  await epochFrom(1, null);
  const other = await commit(1, 10, null, 'elsewhere');
  expect((await garbage()).checkpoints).not.toContain(keysOfRefs([other])[0]);
});

test.each(['a manifest that is cut off', 'a checkpoint of other bytes'])(
  '%s keeps all blobs of the run',
  async (what) => {
    const [, , over] = await epochFrom(1, null);
    await epochFrom(2, over);
    await new Blobs(store, layout.blobs).putBytes(Buffer.from('of an attempt that died'));
    const [manifest] = keysOfRefs([over]);
    await store.put(manifest, Buffer.from(what.includes('cut') ? '{"version":1,"tens' : '{}'));
    const { blobs, damaged } = await garbage();
    expect(blobs).toEqual([]);
    expect(damaged.join()).toContain(manifest);
  },
);

test('an end whose manifest is lost keeps the blobs that it named, also where nothing else of its epoch is left', async () => {
  const over = await commit(1, 10, null);
  await checkpoints.epochRecord('train', 1, null, index).create(over);
  await store.delete(keysOfRefs([over])[0]);
  expect(await garbage()).toMatchObject({ blobs: [], damaged: [`${over.manifest.uri}: is missing`] });
});

test('what is young is spared, with all that it names', async () => {
  await epochFrom(1, null);
  await new Blobs(store, layout.blobs).putBytes(Buffer.from('to be named in a moment'));
  expect(await garbage(new Date(Date.now() - HOUR))).toMatchObject({ checkpoints: [], parts: [], blobs: [], bytes: 0 });
});

test('the checkpoint inside an epoch that a stopped run’s result is of stays until there is another result', async () => {
  const [inside, , over] = await epochFrom(1, null);
  await end('stopped', inside);
  expect((await garbage()).checkpoints).toHaveLength(1);
  await end('finished', over);
  expect((await garbage()).checkpoints).toHaveLength(2);
});

test('parts of embeddings go with a run that is finished, and stay with one that stopped or went further', async () => {
  const [, , over] = await epochFrom(1, null);
  const rows = await new Blobs(store, layout.blobs).putBytes(Buffer.from('rows'));
  const part = `${layout.embeddings('e'.repeat(64))}0.json`;
  await commitManifest(store, part, EmbeddingPart, { version: 1, part: 0, tensors: rows });
  await end('stopped', over);
  expect((await garbage()).parts).toEqual([]);
  await end('finished', over);
  const found = await garbage();
  expect(found.parts).toEqual([part]);
  expect(found.blobs).toContain(`${layout.blobs}${rows.sha256}`);
  await commit(2, 3, over); // extended, and died
  expect((await garbage()).parts).toEqual([]);
});

test('S9: blobs that nothing names go; what any JSON of the run names, and what other runs store, stays', async () => {
  const blobs = new Blobs(store, layout.blobs);
  const [used, lost] = [await blobs.putBytes(Buffer.from('used')), await blobs.putBytes(Buffer.from('lost'))];
  const other = await new Blobs(store, runLayout('r2').blobs).putBytes(Buffer.from('of another run'));
  await commitManifest(store, layout.index('0'.repeat(64)), z.any(), { tensors: used });
  const found = await garbage();
  expect(found.blobs).toEqual([`${layout.blobs}${lost.sha256}`]);
  expect(await deleteGarbage(store, found, () => Promise.resolve(false))).toBe(0);
  await collect(found);
  expect(await keysOf(store, layout.blobs)).toEqual([`${layout.blobs}${used.sha256}`]);
  expect(await keysOf(store, runLayout('r2').blobs)).toEqual([`${runLayout('r2').blobs}${other.sha256}`]);
});
