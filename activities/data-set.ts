/** A committed data set on this host: its manifest, and its shards as local files held in the cache while they are used. */
import { readFile } from 'node:fs/promises';
import { DataSetManifest, type ObjectRef } from '../config/artifacts';
import { parseAtEdge } from '../config/parse';
import { dataSets } from '../storage/run-layout';
import { uriOf } from '../storage/store';
import type { Services } from './services';

export type Manifest = typeof DataSetManifest._output;

export interface LocalDataSet {
  readonly manifest: Manifest;
  readonly manifestPath: string;
  readonly shards: readonly string[];
}

/** Runs `use` with the data set's files in place, which stay there until it ends. */
export async function withDataSet<T>(
  { store, cache }: Services,
  dataSet: ObjectRef,
  use: (local: LocalDataSet) => Promise<T>,
): Promise<T> {
  const releaseManifest = cache.hold([dataSet]);
  let releaseShards = (): void => undefined;
  try {
    const manifestPath = await cache.path(store, dataSet);
    const manifest = parseAtEdge(
      DataSetManifest,
      JSON.parse(await readFile(manifestPath, 'utf8')),
      'data set manifest',
      'ArtifactCorrupt',
    );
    const { edge, channels } = manifest.view;
    const refs = manifest.shards.map(({ sha256, records }): ObjectRef => ({
      uri: uriOf(store, dataSets.blobs + sha256),
      sha256,
      bytes: records * edge * edge * channels,
    }));
    releaseShards = cache.hold(refs);
    const shards: string[] = [];
    for (const ref of refs) shards.push(await cache.path(store, ref));
    return await use({ manifest, manifestPath, shards });
  } finally {
    releaseShards();
    releaseManifest();
  }
}
