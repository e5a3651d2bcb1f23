/**
 * The final manifest: the scan without its quarantined files, each record with its place in a shard. Its digest is the
 * data set's. Pure: a scan and what packing said in, a manifest out.
 *
 * Invariants:
 *   M1  Canonical JSON of deterministic fields only: the same files under the same options give the same digest.
 *   M2  Records stand in the order of their paths, and of their positions in shards.
 *   M3  A manifest that exists can be trained on: enough files were readable, two classes and two images of each remain.
 */
import { LodestoneError } from '../errors';
import type { SplitName } from '../config/artifacts';
import type { DecodeView, QuarantineKind } from './decode';
import { sha256Of, type PackedShard } from './pack';
import type { Scan, ScannedRecord } from './scan';

export interface ManifestRecord extends ScannedRecord {
  /** Index into `shards`. */
  readonly shard: number;
  /** Place in that shard, in records. */
  readonly position: number;
}

export interface DuplicateGroup {
  readonly sha256: string;
  readonly members: readonly { readonly path: string; readonly split: SplitName }[];
}

export interface DataSetManifest {
  readonly version: 1;
  readonly view: DecodeView;
  readonly records: readonly ManifestRecord[];
  readonly shards: readonly { readonly sha256: string; readonly records: number }[];
  readonly quarantined: PackedShard['quarantined'];
  /** Files of equal bytes; those that cross splits make a test result look better than it is. */
  readonly duplicates: readonly DuplicateGroup[];
  readonly notes: readonly string[];
}

/** A packed shard without its bytes, as an activity reports it. */
export type ShardReport = Omit<PackedShard, 'bytes'>;

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
        throw new LodestoneError('DataRejected', `${path}: was packed but not scanned. Scan and pack the data set again.`);
      return { ...record, shard, position };
    }),
  );
  if (records.length + quarantined.length !== scan.records.length) {
    throw new LodestoneError(
      'DataRejected',
      `shards: hold ${records.length} records and ${quarantined.length} quarantined files, the scan has ${scan.records.length}. Scan and pack the data set again.`,
    );
  }
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

/**
 * Whether a label can be trained: two classes with training records, and two training records of each class.
 * @returns notes: classes of test or validation that training never sees
 */
export function checkClasses(records: readonly Pick<ScannedRecord, 'path' | 'split' | 'labels'>[], label: string): string[] {
  const training = new Map<string, number>();
  const unseen = new Map<string, number>();
  for (const { split, labels } of records) if (split === 'train') add(training, labels[label] as string);
  for (const { split, labels } of records) {
    if (split !== 'train' && !training.has(labels[label] as string)) add(unseen, `${labels[label] as string} (${split})`);
  }
  if (training.size < 2) {
    throw new LodestoneError(
      'DataRejected',
      `label ${label}: the training records are all of the class ${[...training.keys()].join('')}, there must be two classes at least. Add images of another.`,
    );
  }
  const lonely = [...training].filter(([, images]) => images < 2).map(([name]) => name);
  if (lonely.length > 0) {
    throw new LodestoneError(
      'DataRejected',
      `label ${label}: ${some(lonely)} ${lonely.length === 1 ? 'has' : 'have'} one training image, every class must have 2 at least: ` +
        'a lone image is its own cluster mean. Add images, or remove the class.',
    );
  }
  return unseen.size === 0
    ? []
    : [`label ${label}: no training image of ${some([...unseen.keys()])}; each of their images counts as an error`];
}

export function crossesSplits({ members }: DuplicateGroup): boolean {
  return new Set(members.map(({ split }) => split)).size > 1;
}

/** Keys sorted, no white space: one text for one value, whatever the order in which it was built. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

export function manifestDigest(manifest: DataSetManifest): string {
  return sha256Of(Buffer.from(canonicalJson(manifest)));
}

function checkQuarantine(quarantined: PackedShard['quarantined'], files: number, limit: number): void {
  if (quarantined.length <= files * limit) return;
  const counts = new Map<QuarantineKind, number>();
  for (const { kind } of quarantined) add(counts, kind);
  const kinds = [...counts].map(([kind, number]) => `${number} ${kind}`).join(', ');
  const examples = quarantined.slice(0, 3).map(({ path, reason }) => `${path}: ${reason}`);
  throw new LodestoneError(
    'DataRejected',
    `quarantine: ${quarantined.length} of ${files} files cannot be used (${kinds}), at most ${Number((limit * 100).toFixed(2))} % are accepted. ` +
      `For example ${examples.join('; ')}. Repair or remove them, or accept a larger share.`,
  );
}

function findDuplicates(records: readonly ManifestRecord[]): DuplicateGroup[] {
  const groups = new Map<string, { path: string; split: SplitName }[]>();
  for (const { sha256, path, split } of records) {
    const members = groups.get(sha256);
    if (members) members.push({ path, split });
    else groups.set(sha256, [{ path, split }]);
  }
  return [...groups].filter(([, members]) => members.length > 1).map(([sha256, members]) => ({ sha256, members }));
}

function add<T>(counts: Map<T, number>, key: T): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function some(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}
