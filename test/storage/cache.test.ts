/** The local cache: verified once, shared, bounded. */
import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectRef } from '../../config/artifacts';
import { Blobs } from '../../storage/blobs';
import { LocalCache } from '../../storage/cache';
import { FileStore } from '../../storage/file-store';
import { FaultyStore, flipOneByte } from './support/faulty-store';
import { freshFolder } from './support/temporary-folder';

let store: FaultyStore;
let blobs: Blobs;
let directory: string;
let cache: LocalCache;
beforeEach(async () => {
  store = new FaultyStore(new FileStore(await freshFolder()));
  blobs = new Blobs(store, 'blobs/');
  directory = join(await freshFolder(), 'cache');
  cache = new LocalCache(directory, { maxBytes: 1000 });
});
const downloads = (): number => store.calls.filter((call) => call.startsWith('getToFile')).length;
const blob = (text: string): Promise<ObjectRef> => blobs.putBytes(Buffer.from(text));
const contentOf = async (path: string): Promise<string> => (await readFile(path)).toString();
const files = async (): Promise<string[]> =>
  (await readdir(join(directory, 'objects'))).filter((name) => !name.endsWith('.verified'));

test('an object is downloaded once, whoever asks and how often', async () => {
  const ref = await blob('weights');
  const paths = await Promise.all(Array.from({ length: 8 }, () => cache.path(store, ref)));
  expect(new Set(paths).size).toBe(1);
  expect(await contentOf(paths[0])).toBe('weights');
  await cache.path(store, ref);
  await new LocalCache(directory, { maxBytes: 1000 }).path(store, ref);
  expect(downloads()).toBe(1);
});

test('P7: a file whose mark fits is not hashed again; any change of it is noticed by size, time or inode', async () => {
  const ref = await blob('weights');
  const path = await cache.path(store, ref);
  const { atime, mtime } = await stat(path);

  // Other bytes behind a fitting mark are believed: that the file is not read again is what this shows.
  await writeFile(path, 'WEIGHTS');
  await utimes(path, atime, mtime);
  const mark = await stat(path);
  await writeFile(`${path}.verified`, `${mark.size} ${mark.mtimeMs} ${mark.ino}`);
  expect(await contentOf(await cache.path(store, ref))).toBe('WEIGHTS');

  await writeFile(path, 'wEIGHTS');
  await utimes(path, atime, new Date(mtime.getTime() + 5000));
  expect(await contentOf(await cache.path(store, ref))).toBe('weights');
  expect(downloads()).toBe(2);
});

test('a whole file that lost its mark is verified, not downloaded', async () => {
  const ref = await blob('weights');
  const path = await cache.path(store, ref);
  await rm(`${path}.verified`);
  await cache.path(store, ref);
  expect(downloads()).toBe(1);
  expect(await contentOf(`${path}.verified`)).toMatch(/^7 /);
});

test('damaged bytes of the store never get into the cache; mended, they do', async () => {
  const ref = await blob('weights');
  await flipOneByte(store, `blobs/${ref.sha256}`);
  await expect(cache.path(store, ref)).rejects.toMatchObject({
    kind: 'ArtifactCorrupt',
    message: expect.stringContaining(`file:blobs/${ref.sha256}`),
  });
  expect(await readdir(directory, { recursive: true })).toEqual(['incoming']);
  await blob('weights');
  expect(await contentOf(await cache.path(store, ref))).toBe('weights');
});

test('a missing object is ArtifactCorrupt and named', async () => {
  const ref = await blob('weights');
  await store.delete(`blobs/${ref.sha256}`);
  await expect(cache.path(store, ref)).rejects.toThrow('is missing');
});

test('what was used longest ago is removed when the folder outgrows its size; what is held stays', async () => {
  const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((letter) => blob(letter.repeat(400))));
  const use = async (ref: ObjectRef, at: number): Promise<void> => {
    const path = await cache.path(store, ref);
    await utimes(`${path}.verified`, at, at); // the clock of the test: the mark's time is the time of use
  };
  await use(a, 1000);
  await use(b, 2000);
  await use(a, 3000);
  await use(c, 4000);
  expect((await files()).sort()).toEqual([a.sha256, c.sha256].sort());

  const release = cache.hold([a]);
  await use(d, 5000);
  expect((await files()).sort()).toEqual([a.sha256, d.sha256].sort());
  release();
  release();
  await use(b, 6000);
  expect((await files()).sort()).toEqual([b.sha256, d.sha256].sort());
});

test('with room to spare, a download costs no look at the whole folder', async () => {
  const refs = await Promise.all(Array.from({ length: 30 }, (_, i) => blob(`shard ${i}`)));
  const look = jest.spyOn(jest.requireActual<typeof import('node:fs/promises')>('node:fs/promises'), 'readdir');
  for (const ref of refs) await cache.path(store, ref);
  expect(look).toHaveBeenCalledTimes(1);
  look.mockRestore();
  expect(await files()).toHaveLength(30);
});

test('a disk that is full before the cache is makes room: what was used longest ago goes, what is held stays', async () => {
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  const disk = { bytes: 1000 };
  const limited = new FaultyStore(store, async (operation, _, go) => {
    const used = (await Promise.all((await files()).map((name) => stat(join(directory, 'objects', name))))).reduce(
      (sum, { size }) => sum + size,
      0,
    );
    if (operation === 'getToFile' && used + 400 > disk.bytes) throw full;
    return go();
  });
  cache = new LocalCache(directory, { maxBytes: 1e9 });
  await mkdir(join(directory, 'objects'), { recursive: true });
  const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((letter) => blob(letter.repeat(400))));
  await cache.path(limited, a);
  const release = cache.hold([a]);
  await cache.path(limited, b);
  expect(await contentOf(await cache.path(limited, c))).toBe('c'.repeat(400));
  expect((await files()).sort()).toEqual([a.sha256, c.sha256].sort());

  const others = cache.hold([c]);
  await expect(cache.path(limited, d)).rejects.toMatchObject({ kind: 'DiskFull' }); // nothing that could go
  others();
  release();
});

test('what a killed process left half downloaded is removed once it is old', async () => {
  const incoming = join(directory, 'incoming');
  await mkdir(incoming, { recursive: true });
  for (const name of ['left.part', 'under-way.part']) await writeFile(join(incoming, name), 'half');
  await utimes(join(incoming, 'left.part'), 1000, 1000);
  await cache.removeLeftovers();
  expect(await readdir(incoming)).toEqual(['under-way.part']);
});

test('an object larger than the whole cache is still provided', async () => {
  const ref = await blob('x'.repeat(5000));
  expect((await contentOf(await cache.path(store, ref))).length).toBe(5000);
});

test('a half-written file of a killed process is never taken for the object', async () => {
  const ref = await blob('weights');
  await mkdir(join(directory, 'objects'), { recursive: true });
  await writeFile(join(directory, 'objects', ref.sha256), 'wei');
  expect(await contentOf(await cache.path(store, ref))).toBe('weights');
});
