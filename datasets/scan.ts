/**
 * The scan: one pass over a data set that names every image by content, label and split, and decodes nothing.
 * Its result says which shards to pack (planShards); manifest.ts joins the two.
 * Reads files below the root only. Knows nothing of S3 or Temporal.
 */
import type { z } from 'zod';
import type { ScanManifest } from '../config/artifacts';
import { sha256Hex } from '../config/canonical-json';
import type { DataOptions } from '../config/recipe';
import { checkClasses } from './classes';
import { withImageFile, type ImageFile, type KnownDigests } from './image-file';
import { mapInFlight } from './in-flight';
import { assignSplits } from './splits';
import { chooseLabels, labelCandidates } from './sources/labels';
import { readSource } from './sources/source';

/** Of the recipe's `data`. What is drawn is stratified by the fine label, or by the label where there is none. */
export type ScanOptions = Pick<
  DataOptions,
  'label' | 'fineLabel' | 'table' | 'splitColumn' | 'validation' | 'drawnValidation' | 'drawnTest' | 'splitSeed'
>;

/** Records are sorted bytewise by path; labels are all columns that may be one, attributes the others. */
export type Scan = z.infer<typeof ScanManifest>;
type ScannedRecord = Scan['records'][number];

const FILES_IN_FLIGHT = 16;

export interface ScanSupport {
  /** Called after each file with the number hashed so far. */
  readonly onFile?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where the digests are noted, for whoever packs the same files. */
  readonly digests?: KnownDigests | undefined;
}

export async function scanDataSet(
  directory: string,
  options: ScanOptions,
  { onFile, signal, digests }: ScanSupport = {},
): Promise<Scan> {
  const source = await readSource(directory, options);
  const choice = chooseLabels(source, options);
  const { splits, notes } = assignSplits(source.records, {
    ...options,
    stratifyBy: choice.fineLabel ?? choice.label,
  });

  const labels = new Set([...labelCandidates(source), choice.label, choice.fineLabel ?? choice.label]);
  const labelColumns = source.columnNames.filter((name) => labels.has(name));
  const attributeColumns = source.columnNames.filter((name) => !labels.has(name));
  const pick = (columns: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, columns[name]]));
  const labelled = source.records.map(({ path, where, columns }, place) => ({
    path,
    where,
    split: splits[place],
    labels: pick(columns, labelColumns),
    attributes: pick(columns, attributeColumns),
  }));
  checkClasses(labelled, choice.label);

  const hashed = ({ bytes, identity }: ImageFile): string => {
    const sha256 = sha256Hex(bytes);
    digests?.note(identity, sha256);
    return sha256;
  };
  let done = 0;
  const records = await mapInFlight(labelled, FILES_IN_FLIGHT, async ({ where, ...record }): Promise<ScannedRecord> => {
    signal?.throwIfAborted();
    const sha256 = await withImageFile(source.root, record.path, hashed, where);
    onFile?.(++done);
    return { ...record, sha256 };
  });
  return { version: 1, root: source.root, choice, records, notes: [...source.notes, ...notes] };
}

/** Cuts the records, in their order, into shards of about `shardBytes`. */
export function planShards<T>(records: readonly T[], recordBytes: number, shardBytes: number): T[][] {
  const perShard = Math.max(1, Math.floor(shardBytes / recordBytes));
  const shards: T[][] = [];
  for (let start = 0; start < records.length; start += perShard) shards.push(records.slice(start, start + perShard));
  return shards;
}
