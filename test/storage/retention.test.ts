/** Garbage: what no manifest of a run names. */
import { z } from 'zod';
import { Blobs } from '../../storage/blobs';
import { commitManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { deleteGarbage, garbage } from '../../storage/retention';
import { runLayout } from '../../storage/run-layout';
import { keysOf } from './support/faulty-store';
import { freshFolder } from './support/temporary-folder';

test('S9: blobs that no manifest names are found, and deleted only when told to', async () => {
  const store = new FileStore(await freshFolder());
  const layout = runLayout('r');
  const blobs = new Blobs(store, layout.blobs);
  const [used, lost] = [await blobs.putBytes(Buffer.from('used')), await blobs.putBytes(Buffer.from('lost'))];
  const other = await new Blobs(store, runLayout('r2').blobs).putBytes(Buffer.from('of another run'));
  await commitManifest(store, layout.index('0'.repeat(64)), z.any(), { tensors: used });

  expect(await garbage(store, 'r')).toEqual([`${layout.blobs}${lost.sha256}`]);
  expect(await store.head(`${layout.blobs}${lost.sha256}`)).not.toBeNull();

  expect(await deleteGarbage(store, 'r')).toEqual([`${layout.blobs}${lost.sha256}`]);
  expect(await keysOf(store, layout.blobs)).toEqual([`${layout.blobs}${used.sha256}`]);
  expect(await keysOf(store, runLayout('r2').blobs)).toEqual([`${runLayout('r2').blobs}${other.sha256}`]);
  expect(await garbage(store, 'r')).toEqual([]);
});
