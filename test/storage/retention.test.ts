/** What a run stores and nobody will ask for again, and that whatever may be asked for stays. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckpointRef, Position } from '../../config/artifacts';
import { Blobs } from '../../storage/blobs';
import { CheckpointStore } from '../../storage/checkpoints';
import { commitManifest, replaceManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { bytesOf, deleteGarbage, garbageOf } from '../../storage/retention';
import { runLayout } from '../../storage/run-layout';
import { keyOf, type ObjectStore } from '../../storage/store';
import { keysOf } from './support/faulty-store';
import { freshFolder } from './support/temporary-folder';

const layout = runLayout('r');
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
const finish = (status: 'finished' | 'stopped', checkpoint: CheckpointRef): Promise<unknown> =>
  replaceManifest(store, layout.result, z.any(), { result: { status, checkpoint } });

test('S9: checkpoints inside epochs that are over go with what they alone name; ends and the last epoch’s stay', async () => {
  const first = await epochFrom(1, null);
  const second = await epochFrom(2, first[2]);
  const third = [await commit(3, 3, second[2]), await commit(3, 6, second[2])];
  const garbage = await garbageOf(store, 'r');
  const over = [...first.slice(0, 2), ...second.slice(0, 2)];
  expect([...garbage.checkpoints].sort()).toEqual(keysOfRefs(over).sort());
  expect(garbage.blobs).toHaveLength(2 * over.length);
  expect(garbage.parts).toEqual([]);

  const before = await keysOf(store);
  const gone = [...garbage.checkpoints, ...garbage.blobs];
  expect(await bytesOf(store, garbage)).toBeGreaterThan(0);
  await deleteGarbage(store, garbage);
  expect(await keysOf(store)).toEqual(before.filter((key) => !gone.includes(key)));
  expect(await garbageOf(store, 'r')).toEqual({ checkpoints: [], parts: [], blobs: [] });

  // What a resume, a rewind and an epoch that is asked for again read.
  expect(await checkpoints.recover(second[2], 'train', 3, { index })).toEqual(third[1]);
  expect(await checkpoints.lastGood(third[1])).toEqual(second[2]);
  expect(await checkpoints.epochRecord('train', 1, null, index).read()).toEqual(first[2]);
  for (const ref of [first[2], second[2], ...third]) await checkpoints.verify(ref);
});

test('an epoch whose end is damaged keeps what it can be gone on with from', async () => {
  const [, last, end] = await epochFrom(1, null);
  const { tensors } = await checkpoints.read(end);
  await store.delete(keyOf(store, tensors.uri));
  expect((await garbageOf(store, 'r')).checkpoints).toEqual([]);
  expect(await checkpoints.recover(null, 'train', 1, { index })).toEqual(last);
});

test('another end of the same epoch stays where a later checkpoint grew from it, and goes where none did', async () => {
  await epochFrom(1, null);
  const [other, lost] = [await commit(1, 10, null, 'elsewhere'), await commit(1, 10, null, 'and nowhere')];
  await commit(2, 3, other);
  const { checkpoints: over } = await garbageOf(store, 'r');
  expect(over).not.toContain(keysOfRefs([other])[0]);
  expect(over).toContain(keysOfRefs([lost])[0]);
});

test('the checkpoint inside an epoch that a stopped run’s result is of stays until there is another result', async () => {
  const [inside, , end] = await epochFrom(1, null);
  await finish('stopped', inside);
  expect((await garbageOf(store, 'r')).checkpoints).toHaveLength(1);
  await finish('finished', end);
  expect((await garbageOf(store, 'r')).checkpoints).toHaveLength(2);
});

test('parts of embeddings go with a run that is finished, and stay with one that stopped', async () => {
  const [, , end] = await epochFrom(1, null);
  const rows = await new Blobs(store, layout.blobs).putBytes(Buffer.from('rows'));
  const part = `${layout.embeddings('e'.repeat(64))}0.json`;
  await commitManifest(store, part, z.any(), { version: 1, part: 0, tensors: rows });
  await finish('stopped', end);
  expect((await garbageOf(store, 'r')).parts).toEqual([]);
  await finish('finished', end);
  const garbage = await garbageOf(store, 'r');
  expect(garbage.parts).toEqual([part]);
  expect(garbage.blobs).toContain(`${layout.blobs}${rows.sha256}`);
});

test('S9: blobs that nothing names go; what any JSON of the run names, and what other runs store, stays', async () => {
  const blobs = new Blobs(store, layout.blobs);
  const [used, lost] = [await blobs.putBytes(Buffer.from('used')), await blobs.putBytes(Buffer.from('lost'))];
  const other = await new Blobs(store, runLayout('r2').blobs).putBytes(Buffer.from('of another run'));
  await commitManifest(store, layout.index('0'.repeat(64)), z.any(), { tensors: used });
  const garbage = await garbageOf(store, 'r');
  expect(garbage.blobs).toEqual([`${layout.blobs}${lost.sha256}`]);
  await deleteGarbage(store, garbage);
  expect(await keysOf(store, layout.blobs)).toEqual([`${layout.blobs}${used.sha256}`]);
  expect(await keysOf(store, runLayout('r2').blobs)).toEqual([`${runLayout('r2').blobs}${other.sha256}`]);
});
