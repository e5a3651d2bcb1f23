/** Scans are read once for all shards of a set, and never believed when they are damaged. */
import { canonicalJson } from '../../config/canonical-json';
import type { ObjectRef } from '../../config/artifacts';
import { Scans } from '../../activities/scans';
import { LodestoneError } from '../../errors';
import { Blobs } from '../../storage/blobs';
import { FileStore } from '../../storage/file-store';
import { dataSets } from '../../storage/run-layout';
import { FaultyStore, flipOneByte, once } from '../storage/support/faulty-store';
import { freshFolder } from '../storage/support/temporary-folder';

let store: FaultyStore;
beforeEach(async () => {
  store = new FaultyStore(new FileStore(await freshFolder()));
});
const put = (root: string): Promise<ObjectRef> => {
  const scan = { version: 1, root, choice: { label: 'kind' }, records: [], notes: [] };
  return new Blobs(store, dataSets.blobs).putBytes(Buffer.from(canonicalJson(scan)));
};
const noScan = (): Error => new LodestoneError('ArtifactCorrupt', 'scan: other bytes (of the test)');
const reads = (): number => store.calls.filter((call) => call.startsWith('get ')).length;

test('a scan is read once, however many shards ask for it and how many at a time', async () => {
  const [a, b] = [await put('/a'), await put('/b')];
  const scans = new Scans(store);
  const found = await Promise.all([scans.read(a), scans.read(a)]);
  expect(await scans.read(a)).toBe(found[0]);
  expect(found[0]).toBe(found[1]);
  expect(reads()).toBe(1);
  expect((await scans.read(b)).root).toBe('/b');
  expect((await scans.read(a)).root).toBe('/a'); // only the last one is kept
  expect(reads()).toBe(3);
});

test('a scan that was damaged on its way is asked for once more', async () => {
  const ref = await put('/a');
  const onItsWay = new FaultyStore(
    store.inner,
    once((operation) => operation === 'get', 'before', noScan),
  );
  expect((await new Scans(onItsWay).read(ref)).root).toBe('/a');
});

test('a damaged scan is refused for good, and read again when it is mended', async () => {
  const ref = await put('/a');
  const scans = new Scans(store);
  await flipOneByte(store, `${dataSets.blobs}${ref.sha256}`);
  await expect(scans.read(ref)).rejects.toMatchObject({ kind: 'DataRejected' });
  await put('/a');
  expect((await scans.read(ref)).root).toBe('/a');
});
