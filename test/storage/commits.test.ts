/** The commit rules under injected faults: what if this happens between those two moments. */
import { z } from 'zod';
import { canonicalJson, digestOf } from '../../config/canonical-json';
import { Blobs } from '../../storage/blobs';
import { commitManifest, commitWhole, findManifest, readManifest, replaceManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import type { ObjectStore } from '../../storage/store';
import { FaultyStore, noAnswer, once, truncate, type Fault } from './support/faulty-store';
import { freshFolder } from './support/temporary-folder';

const Note = z.strictObject({ text: z.string(), number: z.number().optional() });
const value = { text: 'ready' };
const named = `runs/r/train/0000000007/${digestOf(value)}.json`;
const byInputs = 'runs/r/indices/of-some-inputs.json';

let store: ObjectStore;
beforeEach(async () => {
  store = new FileStore(await freshFolder());
});
const read = async (key: string): Promise<string> => Buffer.from((await store.get(key)) ?? []).toString();

describe.each([named, byInputs])('a manifest at %s', (key) => {
  test('S2: a commit whose reply was lost counts as made', async () => {
    const faulty = new FaultyStore(
      store,
      once((operation) => operation === 'create', 'after'),
    );
    const ref = await commitManifest(faulty, key, Note, value);
    expect(await readManifest(store, ref, Note)).toEqual(value);
    expect(faulty.calls.filter((call) => /^(create|put) /.test(call))).toHaveLength(1);
  });

  test('S2: a commit that never arrived is made again', async () => {
    const faulty = new FaultyStore(
      store,
      once((operation) => operation === 'create', 'before'),
    );
    const ref = await commitManifest(faulty, key, Note, value);
    expect(await readManifest(store, ref, Note)).toEqual(value);
  });

  test('S2: a refusal because the same manifest is there is a commit', async () => {
    const first = await commitManifest(store, key, Note, value);
    const faulty = new FaultyStore(store);
    expect(await commitManifest(faulty, key, Note, value)).toEqual(first);
    expect(faulty.calls).not.toContain(`put ${key}`);
  });

  test('S2: a truncated manifest is mended by the bytes that belong there', async () => {
    const ref = await commitManifest(store, key, Note, value);
    await truncate(store, key);
    await expect(readManifest(store, ref, Note)).rejects.toMatchObject({ kind: 'ArtifactCorrupt' });
    await expect(readManifest(store, key, Note)).rejects.toMatchObject({ kind: 'ArtifactCorrupt' });
    expect(await findManifest(store, key, Note)).toBeNull();
    expect(await commitManifest(store, key, Note, value)).toEqual(ref);
    expect(await readManifest(store, ref, Note)).toEqual(value);
  });

  test('S3: a stalled commit that arrives after the rightful one changes nothing', async () => {
    let arrive = (): void => undefined;
    const stalled = new Promise<void>((resolve) => (arrive = resolve));
    const zombie = new FaultyStore(store, async (operation, _key, go) => {
      if (operation === 'create') await stalled;
      return go();
    });
    const late = commitManifest(zombie, key, Note, value);
    const rightful = await commitManifest(store, key, Note, value);
    arrive();
    expect(await late).toEqual(rightful);
    expect(await read(key)).toBe(canonicalJson(value));
  });

  test('a store that stays silent ends in its own error after a bounded number of tries', async () => {
    const faulty = new FaultyStore(store, (operation, _key, go) =>
      operation === 'create' ? Promise.reject(noAnswer()) : go(),
    );
    await expect(commitManifest(faulty, key, Note, value)).rejects.toMatchObject({ kind: 'StoreUnavailable' });
    expect(faulty.calls.filter((call) => call.startsWith('create'))).toHaveLength(3);
    expect(await store.get(key)).toBeNull();
  });
});

test('S2: under the key of inputs another whole manifest stays, and its reference is the answer', async () => {
  const first = await commitManifest(store, byInputs, Note, { text: 'of the first attempt' });
  expect(await commitManifest(store, byInputs, Note, { text: 'of the second' })).toEqual(first);
  expect(await readManifest(store, byInputs, Note)).toEqual({ text: 'of the first attempt' });
});

test('S2: a whole manifest gives way where what it names is lost: it would block whoever needs that', async () => {
  const named = (text: string) => ({ text, number: text.length });
  const commit = (text: string, lost: readonly string[]) =>
    commitWhole(store, byInputs, Note, named(text), (committed) => Promise.resolve(!lost.includes(committed.text)));
  expect((await commit('first', [])).value).toEqual(named('first'));
  expect((await commit('second', [])).value).toEqual(named('first')); // whole: it stays
  expect((await commit('first', ['first'])).value).toEqual(named('first')); // the same bits: nothing to replace
  const replaced = await commit('second', ['first']);
  expect(replaced.value).toEqual(named('second'));
  expect(await readManifest(store, replaced.ref, Note)).toEqual(named('second'));
});

test('S2: under a key that names the content whatever else is there is damage, and is replaced', async () => {
  await store.put(named, Buffer.from(canonicalJson({ text: 'whole, but of another digest' })));
  const ref = await commitManifest(store, named, Note, value);
  expect(await readManifest(store, ref, Note)).toEqual(value);
});

test('a view is replaced when a run goes further', async () => {
  await replaceManifest(store, 'runs/r/result.json', Note, { text: 'stopped' });
  await replaceManifest(store, 'runs/r/result.json', Note, { text: 'finished' });
  expect(await readManifest(store, 'runs/r/result.json', Note)).toEqual({ text: 'finished' });
});

test('what does not fit its schema, or is not finite, is not written', async () => {
  await expect(commitManifest(store, byInputs, z.any(), { loss: NaN })).rejects.toThrow(
    'loss: got NaN, must be finite',
  );
  const wrong = { text: 'x', more: 1 };
  await expect(commitManifest(store, byInputs, Note, wrong)).rejects.toThrow('more: there is no such key');
  expect(await store.get(byInputs)).toBeNull();
});

test('a reference to another store, or to nothing, fails by name', async () => {
  const ref = await commitManifest(store, byInputs, Note, value);
  const elsewhere = { ...ref, uri: 's3://other/runs/r.json' };
  await expect(readManifest(store, elsewhere, Note)).rejects.toThrow('must begin with file:');
  await store.delete(byInputs);
  await expect(readManifest(store, ref, Note)).rejects.toMatchObject({
    kind: 'ArtifactCorrupt',
    message: expect.stringContaining(`file:${byInputs}: is missing`),
  });
  expect(await readManifest(store, byInputs, Note)).toBeNull();
});

describe('blobs', () => {
  const bytes = Buffer.from('a blob');
  const faults: [string, Fault][] = [
    ['never arrived', once((operation) => operation === 'put', 'before')],
    ['had its reply lost', once((operation) => operation === 'put', 'after')],
    [
      'left half an object behind',
      (() => {
        let isSpent = false;
        return async (operation, key, go) => {
          if (operation !== 'put' || isSpent) return go();
          isSpent = true;
          await store.put(key, bytes.subarray(0, 3));
          throw noAnswer();
        };
      })(),
    ],
  ];
  test.each(faults)('S2: a put that %s ends whole', async (_what, fault) => {
    const ref = await new Blobs(new FaultyStore(store, fault), 'blobs/').putBytes(bytes);
    expect(Buffer.from(await new Blobs(store, 'blobs/').getVerified(ref)).toString()).toBe('a blob');
  });

  test('S2: bytes that are there already are not sent again', async () => {
    await new Blobs(store, 'blobs/').putBytes(bytes);
    const faulty = new FaultyStore(store);
    await new Blobs(faulty, 'blobs/').putBytes(bytes);
    expect(faulty.calls.some((call) => call.startsWith('put'))).toBe(false);
  });

  test('control: a store that lies about its put is found out on reading', async () => {
    const liar = new FaultyStore(store, (operation, key, go) =>
      operation === 'put' ? store.put(key, Buffer.from('b blob')) : go(),
    );
    const ref = await new Blobs(liar, 'blobs/').putBytes(bytes);
    await expect(new Blobs(store, 'blobs/').getVerified(ref)).rejects.toMatchObject({ kind: 'ArtifactCorrupt' });
  });
});
