/**
 * How a set is cut into shards: small ones, and never so many that a history or a payload overflows. And that what one shard is
 * laid into is no other's until it is stored.
 */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createDecoding, createPreprocessing, cutIntoShards } from '../../activities/preprocessing';
import { ShardReport, type ObjectRef } from '../../config/artifacts';
import { sha256Hex } from '../../config/canonical-json';
import { Recipe } from '../../config/recipe';
import { LocalCache } from '../../storage/cache';
import { readManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { dataSets } from '../../storage/run-layout';
import { keyOf } from '../../storage/store';
import { writeClassFolders } from '../datasets/made-images';
import { FaultyStore, truncate } from '../storage/support/faulty-store';
import { freshFolder } from '../storage/support/temporary-folder';

const numbered = (count: number): number[] => [...Array(count).keys()];

it('shards hold 8 MiB, all records in their order', () => {
  const shards = cutIntoShards(numbered(100), 292 * 292 * 3);
  expect(shards.map(({ length }) => length)).toEqual([32, 32, 32, 4]);
  expect(shards.flat()).toEqual(numbered(100));
});

it.each([96_000, 96_001, 500_000])('%d images at 224 px are at most 3,000 shards', (images) => {
  const shards = cutIntoShards(numbered(images), 292 * 292 * 3);
  expect(shards.length).toBeLessThanOrEqual(3000);
  expect(shards.length).toBeGreaterThan(2800); // and no larger than they have to be
  expect(shards.flat()).toHaveLength(images);
});

it('a shard whose put takes long is stored as it was laid, whatever is packed meanwhile', async () => {
  const [images, folder] = [await freshFolder(), await freshFolder()];
  await writeClassFolders(images, { apples: 10, pears: 10 });
  let release = (): void => undefined;
  let reached = (): void => undefined;
  const [released, isPutting] = [new Promise<void>((go) => (release = go)), new Promise<void>((go) => (reached = go))];
  let holdsNextPut = false;
  const store = new FaultyStore(new FileStore(folder), async (operation, _key, go) => {
    if (operation === 'put' && holdsNextPut) {
      holdsNextPut = false;
      reached();
      await released;
    }
    return go();
  });
  const services = { store, cache: new LocalCache(await freshFolder(), { maxBytes: 1 }), directory: folder };
  const run = <R>(perform: () => Promise<R>): Promise<R> =>
    new MockActivityEnvironment().run<[], R, () => Promise<R>>(perform);

  const recipe = Recipe.parse({ network: { inputSize: 448 } }); // records of 1 MB: 8 in a shard
  const asked = { run: 'long-put', data: { type: 'folder', path: images } as const, recipe };
  const { scan, shards } = await run(() => createPreprocessing(services).scanData(asked));
  expect(shards).toBe(3);
  holdsNextPut = true; // the scan is stored: the next one is that of a shard
  const decoding = createDecoding(services);
  const first = run(() => decoding.packShard({ ...asked, scan, shard: 0 }));
  await isPutting;
  const others = [1, 2].map((shard) => run(() => decoding.packShard({ ...asked, scan, shard })));
  await Promise.all(others);
  release();
  for (const ref of await Promise.all([first, ...others])) {
    const { sha256 } = await readManifest(store, ref, ShardReport);
    expect(sha256Hex((await store.get(dataSets.blobs + sha256)) as Uint8Array)).toBe(sha256);
  }
});

it.each(['scan', 'report of a shard'])(
  'a damaged %s ends preprocessing for good, and is made anew by the next',
  async (what) => {
    const [images, folder] = [await freshFolder(), await freshFolder()];
    await writeClassFolders(images, { apples: 10, pears: 10 });
    const store = new FileStore(folder);
    const services = { store, cache: new LocalCache(await freshFolder(), { maxBytes: 1e9 }), directory: folder };
    const run = <R>(perform: () => Promise<R>): Promise<R> =>
      new MockActivityEnvironment().run<[], R, () => Promise<R>>(perform);
    const recipe = Recipe.parse({ data: { label: 'class' } });
    const asked = { run: 'damaged', data: { type: 'folder', path: images } as const, recipe };
    const preprocessing = createPreprocessing(services);

    const upTo = async (damage: (refs: { scan: ObjectRef; shard: ObjectRef }) => Promise<void>): Promise<ObjectRef> => {
      const { scan } = await run(() => preprocessing.scanData(asked));
      const shard = await run(() => createDecoding(services).packShard({ ...asked, scan, shard: 0 }));
      await damage({ scan, shard });
      return run(() => preprocessing.assembleDataSet({ ...asked, scan, shards: [shard] }));
    };
    const damaged = upTo(({ scan, shard }) => truncate(store, keyOf(store, (what === 'scan' ? scan : shard).uri)));
    await expect(damaged).rejects.toMatchObject({ type: 'DataRejected', nonRetryable: true });
    await expect(upTo(() => Promise.resolve())).resolves.toMatchObject({ sha256: expect.any(String) });
  },
);
