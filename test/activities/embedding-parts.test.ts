/** Parts of embeddings in the store: found under their inputs, whole or not at all. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddingParts, type EmbeddedInputs } from '../../activities/embedding-parts';
import { LodestoneError } from '../../errors';
import { LocalCache } from '../../storage/cache';
import { FileStore } from '../../storage/file-store';
import { freshFolder } from '../storage/support/temporary-folder';
import { FaultyStore, flipOneByte, keysOf } from '../storage/support/faulty-store';

const inputs: EmbeddedInputs = {
  checkpoint: 'a'.repeat(64),
  dataSet: 'b'.repeat(64),
  examples: 'all',
  fingerprint: 'f'.repeat(64),
};

async function partsIn(store: FileStore, run: string, of: EmbeddedInputs) {
  const cache = new LocalCache(await freshFolder(), { maxBytes: 1e9 });
  const parts = new EmbeddingParts(store, run, of);
  return Object.assign(parts, {
    found: () => parts.files((ref) => cache.path(store, ref)),
    look: (part: number) => parts.find(part, (ref) => cache.path(store, ref)),
  });
}

async function file(text: string): Promise<string> {
  const path = join(await freshFolder(), 'part');
  await writeFile(path, text);
  return path;
}

test('S5, S7: a later attempt finds the parts of the same inputs, another state or set of examples finds none', async () => {
  const store = new FileStore(await freshFolder());
  const parts = await partsIn(store, 'run', inputs);
  await parts.commit({ part: 0, tensors: await file('zero') });
  await parts.commit({ part: 3, tensors: await file('three') });

  const later = await partsIn(store, 'run', { ...inputs });
  expect((await later.found()).map(({ part }) => part)).toEqual([0, 3]);
  for (const other of [
    { ...inputs, checkpoint: 'c'.repeat(64) },
    { ...inputs, examples: 'train+validation' as const },
    { ...inputs, dataSet: 'c'.repeat(64) },
    { ...inputs, fingerprint: 'c'.repeat(64) }, // it may compute other bits
  ])
    expect(await (await partsIn(store, 'run', other)).found()).toEqual([]);
});

test('S2: a part whose blob is damaged counts as missing, and committing it again repairs it', async () => {
  const store = new FileStore(await freshFolder());
  const parts = await partsIn(store, 'run', inputs);
  const tensors = await file('zero');
  await parts.commit({ part: 0, tensors });
  for await (const key of store.list('runs/run/blobs/')) await flipOneByte(store, key);

  const later = await partsIn(store, 'run', inputs);
  expect(await later.found()).toEqual([]);
  await later.commit({ part: 0, tensors });
  expect((await later.found()).map(({ part }) => part)).toEqual([0]);
});

test('a part is found by its number as soon as another trainer has committed it, brought here only where it is asked for', async () => {
  const store = new FileStore(await freshFolder());
  const [mine, theirs] = [await partsIn(store, 'run', inputs), await partsIn(store, 'run', inputs)];
  expect(await mine.look(2)).toEqual({ isThere: false, tensors: null });
  await theirs.commit({ part: 2, tensors: await file('two') });
  expect(await mine.find(2, null)).toEqual({ isThere: true, tensors: null });
  const { tensors } = await mine.look(2);
  expect(await readFile(tensors ?? '', 'utf8')).toBe('two');

  for await (const key of store.list('runs/run/blobs/')) await flipOneByte(store, key);
  expect(await (await partsIn(store, 'run', inputs)).look(2)).toEqual({ isThere: false, tensors: null });
});

test('a store that does not answer holds nothing up: the part counts as missing', async () => {
  const store = new FaultyStore(new FileStore(await freshFolder()), () =>
    Promise.reject(new LodestoneError('StoreUnavailable', 'the store is away')),
  );
  expect(await new EmbeddingParts(store, 'run', inputs).find(0, null)).toEqual({ isThere: false, tensors: null });
});

test('cleared, nothing is left but a blob that something else names', async () => {
  const store = new FileStore(await freshFolder());
  const parts = await partsIn(store, 'run', inputs);
  await parts.commit({ part: 0, tensors: await file('zero') });
  await parts.commit({ part: 1, tensors: await file('one') });
  const kept = createHash('sha256').update('one').digest('hex');
  await parts.clear(kept);
  expect(await keysOf(store, 'runs/')).toEqual([`runs/run/blobs/${kept}`]);
});
