/** A data set on a host: used before all of it is there, and never with bytes that are not verified. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { withDataSet, withFillingDataSet } from '../../activities/data-set';
import type { ObjectRef } from '../../config/artifacts';
import { Blobs } from '../../storage/blobs';
import { LocalCache } from '../../storage/cache';
import { FileStore } from '../../storage/file-store';
import { dataSets } from '../../storage/run-layout';
import { FaultyStore, flipOneByte, type Fault } from '../storage/support/faulty-store';
import { freshFolder } from '../storage/support/temporary-folder';

const EDGE = 2;
const RECORD = EDGE * EDGE;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Record p of shard s is filled with 16 s + p. */
const shards = [3, 2].map((records, shard) =>
  Buffer.concat(Array.from({ length: records }, (_, p) => Buffer.alloc(RECORD, 16 * shard + p))),
);

async function stored(fault?: Fault): Promise<{ store: FaultyStore; cache: LocalCache; dataSet: ObjectRef }> {
  const store = new FaultyStore(new FileStore(await freshFolder()), fault);
  const blobs = new Blobs(store.inner, dataSets.blobs);
  for (const shard of shards) await blobs.putBytes(shard);
  const manifest = {
    version: 1,
    view: { edge: EDGE, channels: 1, invert: false },
    records: [],
    shards: shards.map((bytes) => ({ sha256: sha256(bytes), records: bytes.length / RECORD })),
    quarantined: [],
    duplicates: [],
    notes: [],
  };
  const dataSet = await blobs.putBytes(Buffer.from(JSON.stringify(manifest)));
  return { store, cache: new LocalCache(await freshFolder(), { maxBytes: 1e9 }), dataSet };
}

const isShard = (key: string, which = shards): boolean => which.some((bytes) => key.endsWith(sha256(bytes)));

test('P7: work begins before the shards are there, reads records by range, and whole files once they are verified', async () => {
  let arrive = (): void => undefined;
  const arrival = new Promise<void>((resolve) => (arrive = resolve));
  const { store, cache, dataSet } = await stored(async (operation, key, go) => {
    if (operation === 'getToFile' && isShard(key)) await arrival;
    return go();
  });
  const read = await withFillingDataSet(
    { store, cache },
    dataSet,
    async ({ shards: files, filled, fetch }) => {
      const early = await fetch(1, [1, 0, 1]);
      await expect(readFile(files[1])).rejects.toThrow('ENOENT');
      arrive();
      await filled;
      expect(await readFile(files[1])).toEqual(shards[1]);
      return { early, late: await fetch(1, [0]) };
    },
    0,
  );
  expect([...(read.early ?? [])]).toEqual([17, 16, 17].flatMap((byte) => Array<number>(RECORD).fill(byte)));
  expect(read.late).toBeNull();
});

test('P7: a local file is not read before it is verified, however long it has been there', async () => {
  const { store, cache, dataSet } = await stored();
  const places = await withDataSet({ store, cache, directory: '' }, dataSet, ({ shards: files }) =>
    Promise.resolve(files),
  );
  const damaged = new FileStore(cache.directory);
  await flipOneByte(damaged, places[0].slice(cache.directory.length + 1));

  await withFillingDataSet({ store, cache }, dataSet, async ({ fetch, filled }) => {
    await filled;
    expect(await fetch(0, [0])).toBeNull();
    expect(await readFile(places[0])).toEqual(shards[0]);
  });
});

test('P7: records that were others than those of the shard, which was mended since, end the work', async () => {
  let isDamaged = true;
  let arrive = (): void => undefined;
  const arrival = new Promise<void>((resolve) => (arrive = resolve));
  const { store, cache, dataSet } = await stored(async (operation, key, go) => {
    if (operation === 'getToFile' && isShard(key, [shards[1]])) await arrival;
    const answer = await go();
    if (operation !== 'getRange' || !isDamaged || !isShard(key, [shards[1]])) return answer;
    return (answer as Uint8Array).map((byte) => byte ^ 1);
  });
  const use = (): Promise<void> =>
    withFillingDataSet(
      { store, cache },
      dataSet,
      async ({ filled, fetch }) => {
        await fetch(1, [0]);
        arrive();
        await filled;
      },
      0,
    );
  await expect(use()).rejects.toMatchObject({
    kind: 'ArtifactCorrupt', // another attempt has the file
    message: expect.stringContaining('are not those'),
  });
  isDamaged = false;
  await use();
});

test('a shard that the store has lost fails whoever waits for it, and every range of it', async () => {
  const { store, cache, dataSet } = await stored();
  await store.inner.delete(dataSets.blobs + sha256(shards[1]));
  await expect(withDataSet({ store, cache, directory: '' }, dataSet, () => Promise.resolve())).rejects.toMatchObject({
    kind: 'DataRejected',
  });
  await withFillingDataSet({ store, cache }, dataSet, async ({ fetch, filled }) => {
    await expect(filled).rejects.toMatchObject({ kind: 'DataRejected' });
    await expect(fetch(1, [0])).rejects.toMatchObject({ kind: 'DataRejected' });
  });
});

test('S2: a manifest that the store has lost or damaged is not tried again for ever', async () => {
  const { store, cache, dataSet } = await stored();
  const key = dataSets.blobs + dataSet.sha256;
  const use = (): Promise<void> =>
    withDataSet({ store, cache, directory: '' }, dataSet, () => Promise.reject(new Error('it was used')));
  await flipOneByte(store.inner, key);
  await expect(use()).rejects.toMatchObject({ kind: 'DataRejected' });
  await store.inner.delete(key);
  await expect(use()).rejects.toMatchObject({ kind: 'DataRejected' });
});
