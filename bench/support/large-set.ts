/**
 * A large data set made up in place: shards of noise straight into a local cache, under the names of their digests, and a
 * manifest in a store that has nothing else. What preprocessing would have left on a trainer's disk, without the store.
 */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectRef } from '../../config/artifacts';
import { DataSetManifest } from '../../config/artifacts';
import { sha256Hex } from '../../config/canonical-json';
import { buildManifest, manifestDigest, type ShardReport } from '../../datasets/manifest';
import { planShards, type Scan } from '../../datasets/scan';
import { commitManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { dataSets } from '../../storage/run-layout';
import { edgeOf } from './cases';

export interface LargeSet {
  readonly images: number;
  readonly inputSize: number;
  readonly classes: number;
  /** Holds everything that is made. */
  readonly folder: string;
}

export const LABEL = 'kind';
/** As preprocessing cuts them. */
const SHARD_BYTES = 8 * 2 ** 20;
/** Room beside the shards: the manifest, an index, files under way. */
const SPARE_BYTES = 2 * 2 ** 30;

export const placesIn = (folder: string): { readonly store: string; readonly cache: string } => ({
  store: join(folder, 'store'),
  cache: join(folder, 'cache'),
});

/** Eight of ten images are trained on, one each is for validation and test. @returns the manifest, and bytes of all shards */
export async function makeLargeSet(set: LargeSet): Promise<{ readonly dataSet: ObjectRef; readonly bytes: number }> {
  const { images, inputSize, classes, folder } = set;
  const edge = edgeOf(inputSize);
  const recordBytes = edge * edge * 3;
  requireRoom(folder, images * recordBytes + SPARE_BYTES);

  const scan = scanOf(images, classes);
  const objects = join(placesIn(folder).cache, 'objects');
  mkdirSync(objects, { recursive: true });
  const noise = randomFillSync(Buffer.alloc(SHARD_BYTES)); // bytes without a pattern; nothing depends on which
  const plan = planShards(scan.records, recordBytes, SHARD_BYTES);
  const shards = plan.map((records, shard): ShardReport => {
    const bytes = noise.subarray(0, records.length * recordBytes);
    bytes.writeUInt32LE(shard); // no two alike
    const sha256 = sha256Hex(bytes);
    writeFileSync(join(objects, sha256), bytes);
    if (shard % 200 === 199) console.log(`  made ${shard + 1} of ${plan.length} shards`);
    return { sha256, paths: records.map(({ path }) => path), quarantined: [], notes: [] };
  });
  const view = { edge, channels: 3, invert: false } as const;
  const manifest = buildManifest(scan, shards, { view, maxQuarantined: 0 });
  const key = dataSets.manifest(manifestDigest(manifest));
  const store = new FileStore(placesIn(folder).store);
  const dataSet = await commitManifest(store, key, DataSetManifest, manifest);
  return { dataSet, bytes: images * recordBytes };
}

function scanOf(images: number, classes: number): Scan {
  const records = Array.from({ length: images }, (_, i) => {
    const path = `${String(i).padStart(7, '0')}.jpg`;
    const split = i % 10 === 8 ? ('validation' as const) : i % 10 === 9 ? ('test' as const) : ('train' as const);
    const name = String(Math.floor((i * classes) / images)).padStart(4, '0');
    return { path, sha256: sha256Hex(Buffer.from(path)), split, labels: { [LABEL]: name }, attributes: {} };
  });
  return { version: 1, root: '/', choice: { label: LABEL }, records, notes: [] };
}

function requireRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= bytes) return;
  const gibibytes = (amount: number): string => (amount / 2 ** 30).toFixed(1);
  throw new Error(
    `growth: ${folder} has ${gibibytes(bavail * bsize)} GiB free, the set needs ${gibibytes(bytes)}. ` +
      'Give fewer images with --large, or a folder with room in TMPDIR.',
  );
}
