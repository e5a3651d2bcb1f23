/** A data set without images, for activities whose trainer is played. */
import { DataSetManifest, type ObjectRef } from '../../config/artifacts';
import { commitManifest } from '../../storage/commits';
import { dataSets } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';

export function emptyDataSet(store: ObjectStore): Promise<ObjectRef> {
  return commitManifest(store, dataSets.manifest('d'), DataSetManifest, {
    version: 1,
    view: { edge: 4, channels: 3, invert: false },
    records: [],
    shards: [],
    quarantined: [],
    duplicates: [],
    notes: [],
  });
}
