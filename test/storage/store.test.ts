/** The contract of a store and the races of the commit protocol: one suite, on a folder, on MinIO and on versitygw. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256Hex } from '../../config/canonical-json';
import { Blobs } from '../../storage/blobs';
import { commitManifest, findManifest, readManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { keyOf, uriOf, type ObjectStore } from '../../storage/store';
import { flipOneByte, keysOf } from './support/faulty-store';
import { hasServer, startServer } from './support/servers';
import { freshFolder } from './support/temporary-folder';

const text = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString();
const bytesOf = (value: string): Uint8Array => Buffer.from(value);

interface Kind {
  readonly name: string;
  readonly isHere: boolean;
  /** Gives empty places; each opens any number of stores, as that many processes would. */
  readonly start: () => Promise<() => Promise<() => ObjectStore>>;
}

const servers = (['minio', 'versitygw'] as const).map((name): Kind => ({
  name,
  isHere: hasServer(name),
  start: async () => {
    const server = await startServer(name);
    return () => {
      const prefix = randomBytes(6).toString('hex');
      return Promise.resolve(() => server.store({ prefix }));
    };
  },
}));
const folder: Kind = {
  name: 'folder',
  isHere: true,
  start: () =>
    Promise.resolve(async () => {
      const place = join(await freshFolder(), 'objects');
      return () => new FileStore(place);
    }),
};

describe.each([folder, ...servers].filter(({ isHere }) => isHere))('on $name', ({ start }) => {
  let place: () => Promise<() => ObjectStore>;
  let open: () => ObjectStore;
  let store: ObjectStore;
  beforeAll(async () => {
    place = await start();
  });
  beforeEach(async () => {
    open = await place();
    store = open();
  });

  test('what is put is what is got, of any length', async () => {
    for (const length of [0, 1, 300_000]) {
      const bytes = randomBytes(length);
      await store.put(`a/${length}.bin`, bytes);
      expect(Buffer.compare((await store.get(`a/${length}.bin`)) ?? bytesOf('nothing'), bytes)).toBe(0);
      const facts = await store.head(`a/${length}.bin`);
      expect(facts).toMatchObject({ bytes: length });
      expect(Math.abs(Date.now() - Number(facts?.modified))).toBeLessThan(60_000);
    }
  });

  test('what is not there is null, false or no failure', async () => {
    const path = join(await freshFolder(), 'x');
    expect(await store.get('a/b')).toBeNull();
    expect(await store.head('a/b')).toBeNull();
    expect(await store.getToFile('a/b', path)).toBe(false);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
    await store.delete('a/b');
    expect(await keysOf(store, 'a/')).toEqual([]);
  });

  test('a range is those bytes, cut at the end', async () => {
    const bytes = randomBytes(1000);
    await store.put('range', bytes);
    for (const [offset, length] of [
      [0, 1],
      [10, 300],
      [990, 10],
      [990, 50],
    ]) {
      const found = await store.getRange('range', offset, length);
      expect(Buffer.from(found ?? []).equals(bytes.subarray(offset, offset + length))).toBe(true);
    }
    expect(await store.getRange('nothing', 0, 4)).toBeNull();
  });

  test('a file goes up and comes down whole', async () => {
    const folder = await freshFolder();
    const bytes = randomBytes(200_000);
    await writeFile(join(folder, 'up'), bytes);
    await store.putFile('f', join(folder, 'up'));
    expect(await store.getToFile('f', join(folder, 'deep/down'))).toBe(true);
    expect(Buffer.compare(await readFile(join(folder, 'deep/down')), bytes)).toBe(0);
  });

  test('keys are listed by prefix, in the order of their bytes, and not when they are gone', async () => {
    for (const key of ['r/b/2', 'r/b/10', 'r/a', 'r/é', 'r/Z', 'ra/x', 'q']) await store.put(key, bytesOf(key));
    expect(await keysOf(store, 'r/')).toEqual(['r/Z', 'r/a', 'r/b/10', 'r/b/2', 'r/é']);
    expect(await keysOf(store, 'r/b/1')).toEqual(['r/b/10']);
    await store.delete('r/a');
    expect(await keysOf(store, 'r')).toEqual(['r/Z', 'r/b/10', 'r/b/2', 'r/é', 'ra/x']);
  });

  test('S3: creating does not disturb what is there', async () => {
    expect(await store.create('k/one', bytesOf('first'))).toBe(true);
    expect(await store.create('k/one', bytesOf('second'))).toBe(false);
    expect(text(await store.get('k/one'))).toBe('first');
  });

  test('E2: a uri names bucket and key, never a host', () => {
    expect(uriOf(store, 'a/b')).toMatch(/^(file:a\/b|s3:\/\/lodestone-test\/[0-9a-f]{12}\/a\/b)$/);
    expect(keyOf(store, uriOf(store, 'a/b'))).toBe('a/b');
    expect(() => keyOf(store, 's3://elsewhere/a/b')).toThrow('Choose the store that holds it');
  });

  const Note = z.strictObject({ text: z.string() });

  test('S3: eight creators of one manifest end with one content and one reference', async () => {
    for (let round = 0; round < 5; round++) {
      const key = `runs/r/indices/${round}.json`;
      const creators = Array.from({ length: 8 }, open);
      const refs = await Promise.all(creators.map((each) => commitManifest(each, key, Note, { text: `${round}` })));
      expect(new Set(refs.map((ref) => JSON.stringify(ref))).size).toBe(1);
      expect(await readManifest(store, refs[0], Note)).toEqual({ text: `${round}` });
    }
  });

  test('S1: eight writers of one blob end with one object, whole', async () => {
    const blobs = new Blobs(store, 'runs/r/blobs/');
    const bytes = randomBytes(100_000);
    const writers = Array.from({ length: 8 }, () => new Blobs(open(), 'runs/r/blobs/'));
    const refs = await Promise.all(writers.map((each) => each.putBytes(bytes)));
    expect(await keysOf(store)).toEqual([`runs/r/blobs/${sha256Hex(bytes)}`]);
    expect(Buffer.compare(await blobs.getVerified(refs[7]), bytes)).toBe(0);
  });

  test('S2: a flipped byte is found on reading and mended by putting the same bytes again', async () => {
    const blobs = new Blobs(store, 'blobs/');
    const ref = await blobs.putBytes(bytesOf('the same bytes'));
    await flipOneByte(store, `blobs/${ref.sha256}`);
    await expect(blobs.getVerified(ref)).rejects.toMatchObject({
      kind: 'ArtifactCorrupt',
      message: expect.stringContaining(`blobs/${ref.sha256}`),
    });
    expect(await blobs.putBytes(bytesOf('the same bytes'))).toEqual(ref);
    expect(text(await blobs.getVerified(ref))).toBe('the same bytes');
  });

  test('S5: a result is found under the key of its inputs, with the reference that its commit returned', async () => {
    expect(await findManifest(store, 'runs/r/evaluations/x.json', Note)).toBeNull();
    const ref = await commitManifest(store, 'runs/r/evaluations/x.json', Note, { text: 'é' });
    expect(await findManifest(store, 'runs/r/evaluations/x.json', Note)).toEqual({ ref, value: { text: 'é' } });
  });
});
