/**
 * A committed data set on this host: its manifest, and its shards as local files held in the cache while they are used.
 *
 *   P7  Training does not wait for a whole data set: shards are filled behind, and records of those that are not there yet
 *       are read from the store by range. They are compared with the shard's file when that is there.
 *   S2  A manifest or shard that the store has lost or damaged ends the run with DataRejected; run again, preprocessing makes
 *       it anew.
 */
import { readFile } from 'node:fs/promises';
import { DataSetManifest, type ObjectRef } from '../config/artifacts';
import { LodestoneError } from '../errors';
import type { FetchRecords } from '../datasets/shard-source';
import { recordBytesOf } from '../datasets/view';
import { corrupt } from '../storage/blobs';
import { parseManifest } from '../storage/commits';
import { dataSets } from '../storage/run-layout';
import { keyOf, uriOf, type ObjectStore } from '../storage/store';
import { EarlyRecords } from './early-records';
import { isDamage } from './failures';
import type { Services } from './services';

export type Manifest = typeof DataSetManifest._output;

export interface LocalDataSet {
  readonly manifest: Manifest;
  readonly manifestPath: string;
  /** Where the shards' files are, or will be. */
  readonly shards: readonly string[];
}

export interface FillingDataSet extends LocalDataSet {
  /** Resolves when every shard is there; rejects where one cannot be had. */
  readonly filled: Promise<void>;
  /** From the store, by range; null as soon as the shard's file is there and verified. */
  readonly fetch: FetchRecords;
}

/** A data set that is there within this time is used from local files alone. */
const HEAD_START_MS = 2_000;
/** Ranges that are asked for at once. */
const RANGES = 8;

/** Runs `use` with the data set's files in place, which stay there until it ends. */
export function withDataSet<T>(
  services: Services,
  dataSet: ObjectRef,
  use: (local: LocalDataSet) => Promise<T>,
): Promise<T> {
  return withFillingDataSet(services, dataSet, async (local) => {
    await local.filled;
    return use(local);
  });
}

/** Runs `use` as soon as the manifest is there and the shards have had a head start; they go on filling behind it. */
export async function withFillingDataSet<T>(
  { store, cache }: Pick<Services, 'store' | 'cache'>,
  dataSet: ObjectRef,
  use: (local: FillingDataSet) => Promise<T>,
  headStartMs = HEAD_START_MS,
): Promise<T> {
  const releases = [cache.hold([dataSet])];
  let isUsed = true;
  try {
    const { manifestPath, manifest } = await intact(async () => {
      const manifestPath = await cache.path(store, dataSet);
      return { manifestPath, manifest: parseManifest(await readFile(manifestPath), DataSetManifest, manifestPath) };
    });
    const refs = shardsOf(store, manifest);
    releases.push(cache.hold(refs));
    const there = new Set<number>();
    const recordBytes = recordBytesOf(manifest.view);
    const early = new EarlyRecords(recordBytes);
    const fill = async (): Promise<void> => {
      for (const [shard, ref] of refs.entries()) {
        if (!isUsed) return;
        const path = await intact(() => cache.path(store, ref));
        if (!(await early.areThoseOf(shard, path))) throw wereOthers(ref);
        there.add(shard);
      }
    };
    const filled = fill();
    const settled = filled.catch(() => undefined); // whoever uses the data set hears of it by `filled`
    await Promise.race([settled, sleep(headStartMs)]);
    return await use({
      manifest,
      manifestPath,
      shards: refs.map((ref) => cache.placeOf(ref)),
      filled,
      fetch: async (shard, positions) => {
        if (there.has(shard)) return null;
        const records = await intact(() => fetchRecords(store, refs[shard], recordBytes, positions));
        if (there.has(shard)) return null; // it came meanwhile, and what is noted now is compared with nothing
        early.note(shard, positions, records);
        return records;
      },
    });
  } finally {
    isUsed = false;
    for (const release of releases) release();
  }
}

function wereOthers({ uri }: ObjectRef): LodestoneError {
  return new LodestoneError(
    'ArtifactCorrupt',
    `data set: ${uri}: records that were read before it was verified are not those that it has. Nothing made of them is kept; the work is done again from its file.`,
  );
}

function shardsOf(store: ObjectStore, { view, shards }: Manifest): ObjectRef[] {
  return shards.map(({ sha256, records }) => ({
    uri: uriOf(store, dataSets.blobs + sha256),
    sha256,
    bytes: records * recordBytesOf(view),
  }));
}

/**
 * Reads what a data set is made of. Damage may be of the way only: it is asked for twice. No retry of the activity would help,
 * so what stays damaged is DataRejected: started again, preprocessing makes it anew.
 */
export async function intact<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new LodestoneError('DataRejected', `data set: ${error.message}`, { cause: error });
  }
}

async function fetchRecords(
  store: ObjectStore,
  shard: ObjectRef,
  recordBytes: number,
  positions: readonly number[],
): Promise<Uint8Array> {
  const records = new Uint8Array(positions.length * recordBytes);
  let next = 0;
  const readOn = async (): Promise<void> => {
    while (next < positions.length) {
      const i = next++;
      const bytes = await store.getRange(keyOf(store, shard.uri), positions[i] * recordBytes, recordBytes);
      if (bytes?.length !== recordBytes)
        throw corrupt(shard, bytes === null ? 'is missing' : `ends inside record ${positions[i]}`);
      records.set(bytes, i * recordBytes);
    }
  };
  await Promise.all(Array.from({ length: RANGES }, readOn));
  return records;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
