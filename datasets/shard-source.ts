/**
 * Batches for training out of local shard files: records by position, in any order, so that a data set larger than memory
 * works. Implements the BatchSource that learning/ asks for. Knows files and offsets; that their bytes are the right ones is the cache's business, which checks their sha256
 * when it fetches them.
 *
 * Invariants:
 *   R1  Every batch is a fresh buffer: a tensor may share its memory until its step is done.
 *   R2  Nothing stays open between batches; a shard is opened once for all of its records in a batch.
 *   R3  Local files are read on the calling thread: whoever asks cannot go on without the batch (the next one depends on the
 *       losses of the last, DURABILITY B3), and its way through other threads, which TensorFlow's keep busy, takes several
 *       times as long as the copy out of the page cache.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { LodestoneError } from '../errors';
import type { BatchSource } from '../learning/batch-source';
import type { DataSetManifest } from './manifest';
import { recordBytesOf } from './view';

/** One shard on the local disk. */
export interface ShardFile {
  readonly path: string;
  readonly records: number;
}

/**
 * Records of a shard whose local file is not there or not verified yet, one after the other: uint8
 * [positions.length · S·S·channels]. null: the file is there and right.
 */
export type FetchRecords = (shard: number, positions: readonly number[]) => Promise<Uint8Array | null>;

/** Where a record lies. */
export interface RecordPlace {
  /** Index into the shard files. */
  readonly shard: number;
  readonly position: number;
}

/**
 * The records of a manifest as training asks for them: example i is record i.
 * @param paths the local file of each of the manifest's shards, in their order
 * @param fetch asked before each read of a shard (P7); left out: all files are there
 */
export function createShardSource(
  { view, records, shards }: Pick<DataSetManifest, 'view' | 'records' | 'shards'>,
  paths: readonly string[],
  fetch?: FetchRecords,
): BatchSource {
  const { edge, channels } = view;
  const files = shards.map((shard, i) => ({ path: paths[i], records: shard.records }));
  return {
    edge,
    channels,
    read: (examples) =>
      readRecords(
        files,
        recordBytesOf(view),
        examples.map((i) => records[i]),
        fetch,
      ),
  };
}

/**
 * Reads records out of their shards.
 * @param recordBytes S·S·channels
 * @returns uint8 [places.length, S, S, channels], in the order of the places
 */
export async function readRecords(
  shards: readonly ShardFile[],
  recordBytes: number,
  places: readonly RecordPlace[],
  fetch?: FetchRecords,
): Promise<Uint8Array> {
  const batch = new Uint8Array(places.length * recordBytes);
  const rowsOfShard = new Map<number, number[]>();
  places.forEach(({ shard }, row) => {
    const rows = rowsOfShard.get(shard);
    if (rows) rows.push(row);
    else rowsOfShard.set(shard, [row]);
  });
  await Promise.all(
    [...rowsOfShard].map(async ([shard, rows]) => {
      const file = shards[shard];
      if (!file) throw corrupt(`shard ${shard}`, `there are ${shards.length} shards`);
      const positions = rows.map((row) => places[row].position);
      const beyond = positions.find((position) => position >= file.records);
      if (beyond !== undefined) throw corrupt(file.path, `record ${beyond} was asked for, it holds ${file.records}`);
      const fetched = fetch === undefined ? null : await fetch(shard, positions);
      if (fetched === null) {
        readFrom(file.path, batch, recordBytes, rows, positions);
        return;
      }
      if (fetched.length !== rows.length * recordBytes)
        throw corrupt(`shard ${shard}`, `${fetched.length} bytes came for ${rows.length} records of ${recordBytes}`);
      rows.forEach((row, i) => {
        batch.set(fetched.subarray(i * recordBytes, (i + 1) * recordBytes), row * recordBytes);
      });
    }),
  );
  return batch;
}

/** The records at these positions of a file, each into its row of the batch. */
function readFrom(
  path: string,
  batch: Uint8Array,
  recordBytes: number,
  rows: readonly number[],
  positions: readonly number[],
): void {
  const file = openSync(path, 'r');
  try {
    rows.forEach((row, i) => {
      const offset = positions[i] * recordBytes;
      if (readSync(file, batch, row * recordBytes, recordBytes, offset) !== recordBytes)
        throw corrupt(path, `ends inside the record at byte ${offset}`);
    });
  } finally {
    closeSync(file);
  }
}

function corrupt(what: string, rule: string): LodestoneError {
  return new LodestoneError('ArtifactCorrupt', `${what}: ${rule}. Remove it from the cache, it is fetched again.`);
}
