/**
 * The final manifest: the scan without its quarantined files, each record with its place in a shard. Its digest is the
 * data set's. Pure: a scan and what packing said in, a manifest out.
 *
 * Invariants:
 *   M1  Canonical JSON of deterministic fields only: the same files under the same options give the same digest.
 *   M2  Records stand in the order of their paths, and of their positions in shards.
 *   M3  A manifest that exists can be trained on: enough files were readable, two classes and two images of each remain.
 */
import { digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import type { z } from 'zod';
import type * as Artifacts from '../config/artifacts';
import { checkClasses, checkNoClassLost } from './classes';
import type { DecodeView } from './view';
import type { Scan } from './scan';

export type DataSetManifest = z.infer<typeof Artifacts.DataSetManifest>;

/** What packing one shard said, without its bytes, as an activity reports it. */
export type ShardReport = z.infer<typeof Artifacts.ShardReport>;

type ManifestRecord = DataSetManifest['records'][number];
/** Files of equal bytes; those that cross splits make a test result look better than it is. */
type DuplicateGroup = DataSetManifest['duplicates'][number];

export interface ManifestOptions {
  readonly view: DecodeView;
  /** The largest share of files in quarantine that is accepted. */
  readonly maxQuarantined: number;
}

/** @param shards in the order of planShards */
export function buildManifest(
  scan: Scan,
  shards: readonly ShardReport[],
  { view, maxQuarantined }: ManifestOptions,
): DataSetManifest {
  const quarantined = shards.flatMap((shard) => shard.quarantined);
  checkQuarantine(quarantined, scan.records.length, maxQuarantined);

  const byPath = new Map(scan.records.map((record) => [record.path, record]));
  const records = shards.flatMap(({ paths }, shard) =>
    paths.map((path, position): ManifestRecord => {
      const record = byPath.get(path);
      if (!record)
        throw new LodestoneError(
          'DataRejected',
          `${path}: was packed but not scanned. Scan and pack the data set again.`,
        );
      return { ...record, shard, position };
    }),
  );
  if (records.length + quarantined.length !== scan.records.length) {
    throw new LodestoneError(
      'DataRejected',
      `shards: hold ${records.length} records and ${quarantined.length} quarantined files, the scan has ${scan.records.length}. Scan and pack the data set again.`,
    );
  }
  checkNoClassLost(scan.records, records, scan.choice.label);
  const notes = [
    ...scan.notes,
    ...shards.flatMap((shard) => shard.notes.map(({ path, note }) => `${path} ${note}`)),
    ...checkClasses(records, scan.choice.label),
  ];
  return {
    version: 1,
    view,
    records,
    shards: shards.map(({ sha256, paths }) => ({ sha256, records: paths.length })),
    quarantined,
    duplicates: findDuplicates(records),
    notes,
  };
}

export function crossesSplits({ members }: DuplicateGroup): boolean {
  return new Set(members.map(({ split }) => split)).size > 1;
}

export function manifestDigest(manifest: DataSetManifest): string {
  return digestOf(manifest);
}

function checkQuarantine(quarantined: DataSetManifest['quarantined'], files: number, limit: number): void {
  if (quarantined.length <= files * limit) return;
  const kinds = [...new Set(quarantined.map(({ kind }) => kind))]
    .map((kind) => `${quarantined.filter((file) => file.kind === kind).length} ${kind}`)
    .join(', ');
  const examples = quarantined.slice(0, 3).map(({ path, reason }) => `${path}: ${reason}`);
  throw new LodestoneError(
    'DataRejected',
    `quarantine: ${quarantined.length} of ${files} files cannot be used (${kinds}), at most ${Number((limit * 100).toFixed(2))} % are accepted. ` +
      `For example ${examples.join('; ')}. Repair or remove them, or accept a larger share.`,
  );
}

function findDuplicates(records: readonly ManifestRecord[]): DuplicateGroup[] {
  const groups = new Map<string, { path: string; split: Artifacts.SplitName }[]>();
  for (const { sha256, path, split } of records) {
    const members = groups.get(sha256);
    if (members) members.push({ path, split });
    else groups.set(sha256, [{ path, split }]);
  }
  return [...groups].filter(([, members]) => members.length > 1).map(([sha256, members]) => ({ sha256, members }));
}
