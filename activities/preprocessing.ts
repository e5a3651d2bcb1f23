/**
 * From a data source to a committed data set: scan, pack shard by shard, assemble. Each step finds what was already done.
 *
 *   S5  A shard's report lies under the digest of its ordered content and view: relabelling decodes nothing again.
 *   S7  Decoding commits per shard.
 */
import { join } from 'node:path';
import type { z } from 'zod';
import { DataSetManifest, ShardReport, type ObjectRef } from '../config/artifacts';
import { canonicalJson, digestOf } from '../config/canonical-json';
import type { Recipe } from '../config/recipe';
import type { DataSource } from '../config/workflow-input';
import { KnownDigests, withImageFile } from '../datasets/image-file';
import { LentMemory, letGarbageGather } from '../datasets/lent-memory';
import { buildManifest, manifestDigest } from '../datasets/manifest';
import { packShard } from '../datasets/pack';
import { writeSpeciesFolder } from '../datasets/procedural/folder';
import { planShards, scanDataSet, type Scan } from '../datasets/scan';
import { recordBytesOf, viewFor } from '../datasets/view';
import { Blobs, holds } from '../storage/blobs';
import { commitManifest, commitWhole, findManifest, readManifest } from '../storage/commits';
import { dataSets } from '../storage/run-layout';
import { uriOf } from '../storage/store';
import { bindDataSet } from './binding';
import { intact } from './data-set';
import { translating } from './failures';
import { beating } from './heartbeat';
import type {
  AssembleRequest,
  DecodeActivities,
  HeartbeatDetails,
  PackRequest,
  PipelineActivities,
  Scanned,
  ScanRequest,
} from './requests';
import { Scans } from './scans';
import type { Services } from './services';

/** Large enough for sequential reads, small enough to spread over decoders. */
const SHARD_BYTES = 8 * 1024 * 1024;
/** Of a worker: one is decoded while the other is written. No more, so that a set of few shards is spread over workers. */
export const SHARDS_AT_ONCE = 2;
/** Shards of larger sets are larger: each is an activity (three events of the history) and a reference in one payload. */
const MAX_SHARDS = 3000;

/** @param digests of the files that this worker scans, for `createDecoding` */
export function createPreprocessing(
  services: Services,
  digests = new KnownDigests(),
): Pick<PipelineActivities, 'scanData' | 'assembleDataSet'> {
  return translating({
    scanData: (request: ScanRequest) => scanData(services, digests, request),
    assembleDataSet: (request: AssembleRequest) => assembleDataSet(services, request),
  });
}

/** The process collects garbage less often from then on. */
export function createDecoding(services: Services, digests = new KnownDigests()): DecodeActivities {
  letGarbageGather();
  const kept = { scans: new Scans(services.store), memory: new LentMemory(), digests };
  return translating({ packShard: (request: PackRequest) => pack(services, kept, request) });
}

async function scanData(services: Services, digests: KnownDigests, { data, recipe }: ScanRequest): Promise<Scanned> {
  return beating<HeartbeatDetails, Scanned>(async (tell, signal) => {
    const root = await folderOf(services, data);
    const scan = await scanDataSet(root, recipe.data, {
      signal,
      digests,
      onFile: (done) => tell(counted('scan', done, 0)),
    });
    const ref = await new Blobs(services.store, dataSets.blobs).putBytes(Buffer.from(canonicalJson(scan)));
    const { label, fineLabel } = scan.choice;
    return {
      scan: ref,
      records: scan.records.length,
      shards: shardsOf(scan, recipe).length,
      label,
      fineLabel: fineLabel ?? null,
    };
  });
}

async function pack(
  services: Services,
  { scans, memory, digests }: { readonly scans: Scans; readonly memory: LentMemory; readonly digests: KnownDigests },
  { data, recipe, scan: scanRef, shard }: PackRequest,
): Promise<ObjectRef> {
  const { store } = services;
  return beating<HeartbeatDetails, ObjectRef>(async (tell, signal) => {
    const scan = await scans.read(scanRef);
    const view = viewFor(recipe.network.inputSize, recipe.data);
    const files = shardsOf(scan, recipe)[shard].map(({ path, sha256 }) => ({ path, sha256 }));
    const { maxPixels, failOn } = recipe.data;
    const key = dataSets.shardReport(digestOf({ files, view, limits: { maxPixels, failOn } }));
    const isWhole = ({ sha256, paths }: z.output<typeof ShardReport>): Promise<boolean> => {
      const blob = dataSets.blobs + sha256;
      return holds(store, blob, { uri: uriOf(store, blob), sha256, bytes: paths.length * recordBytesOf(view) });
    };
    const found = await findManifest(store, key, ShardReport);
    // To the last bit (S2): what was damaged is decoded again, and so repaired.
    if (found && (await isWhole(found.value))) return found.ref;

    const root = await folderOf(services, data);
    const whole = memory.borrow(files.length * recordBytesOf(view));
    const packed = await packShard(
      { files, view, limits: { maxPixels, failOn } },
      {
        withFile: (path, use) => withImageFile(root, path, use),
        memory: whole,
        signal,
        digests,
        onFile: (done) => tell(counted('decode', done, files.length)),
      },
    );
    await new Blobs(store, dataSets.blobs).putBytes(packed.bytes, packed.sha256);
    memory.giveBack(whole); // not after a failure: who still reads it is not known
    const { sha256, paths, quarantined, notes } = packed;
    const report = { sha256, paths: [...paths], quarantined: [...quarantined], notes: [...notes] };
    return (await commitWhole(store, key, ShardReport, report, isWhole)).ref;
  });
}

async function assembleDataSet(
  services: Services,
  { run, recipe, scan: scanRef, shards }: AssembleRequest,
): Promise<ObjectRef> {
  const { store } = services;
  return beating<HeartbeatDetails, ObjectRef>(async () => {
    const scan = await new Scans(store).read(scanRef);
    const reports = await Promise.all(shards.map((ref) => intact(() => readManifest(store, ref, ShardReport))));
    const view = viewFor(recipe.network.inputSize, recipe.data);
    const manifest = buildManifest(scan, reports, { view, maxQuarantined: recipe.data.maxQuarantined });
    const ref = await commitManifest(store, dataSets.manifest(manifestDigest(manifest)), DataSetManifest, manifest);
    await bindDataSet(store, run, ref);
    return ref;
  });
}

/** The folder of the images on this host; the procedural set is drawn where it is missing. */
async function folderOf({ directory }: Services, data: DataSource): Promise<string> {
  switch (data.type) {
    case 'folder':
      return data.path;
    case 'species': {
      const { type: _, ...options } = data;
      const folder = join(directory, 'species', digestOf(options).slice(0, 16));
      return (await writeSpeciesFolder(folder, options)).directory;
    }
  }
}

function shardsOf(scan: Scan, recipe: Recipe): Scan['records'][] {
  return cutIntoShards(scan.records, recordBytesOf(viewFor(recipe.network.inputSize, recipe.data)));
}

/** In order, at most MAX_SHARDS of them. */
export function cutIntoShards<T>(records: readonly T[], recordBytes: number): T[][] {
  const fewest = Math.ceil(records.length / MAX_SHARDS); // records in a shard
  return planShards(records, recordBytes, Math.max(SHARD_BYTES, fewest * recordBytes));
}

function counted(phase: string, step: number, steps: number): HeartbeatDetails {
  return { phase, epoch: 0, epochs: 0, step, steps, imagesPerSecond: null, loss: null };
}
