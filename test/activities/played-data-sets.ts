/** Data sets for activities whose trainer is played. */
import { DataSetManifest, type ObjectRef } from '../../config/artifacts';
import { commitManifest } from '../../storage/commits';
import { dataSets } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';

/** Without images. */
export function emptyDataSet(store: ObjectStore): Promise<ObjectRef> {
  return dataSetOf(store, 'd', []);
}

/** With one shard of one record, which nobody asks for. @param sha256 of the shard, which is not stored here */
export function dataSetOfShard(store: ObjectStore, sha256: string): Promise<ObjectRef> {
  return dataSetOf(store, 'e', [{ sha256, records: 1 }]);
}

function dataSetOf(
  store: ObjectStore,
  name: string,
  shards: { sha256: string; records: number }[],
): Promise<ObjectRef> {
  return commitManifest(store, dataSets.manifest(name), DataSetManifest, {
    version: 1,
    view: { edge: 4, channels: 3, invert: false },
    records: [],
    shards,
    quarantined: [],
    duplicates: [],
    notes: [],
  });
}
