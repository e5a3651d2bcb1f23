/**
 * Batches for training out of local shard files: records by position, in any order, so that a data set larger than memory
 * works. Implements the BatchSource that learning/ asks for. Knows files and offsets; that their bytes are the right ones is the
 * cache's business, which checks their sha256 when it fetches them.
 *
 * Invariants:
 *   R1  Every batch is a fresh buffer: a tensor may share its memory until its step is done.
 *   R2  Of the shards read last some stay open until `close`, for opening one takes several times as long as reading a record. A
 *       file that turns out not to be right does not: the next read finds what was put in its place.
 *   R3  Local files are read on the calling thread: whoever asks cannot go on without the batch (the next one depends on the
 *       losses of the last, DURABILITY B3), and its way through other threads, which TensorFlow's keep busy, takes several
 *       times as long as the copy out of the page cache.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
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

export interface ShardSource extends BatchSource {
  /** Closes the files that it keeps open; a read opens them anew. */
  close(): void;
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
): ShardSource {
  const { edge, channels } = view;
  const files = shards.map((shard, i) => ({ path: paths[i], records: shard.records }));
  const reader = new RecordReader(files, recordBytesOf(view), fetch);
  return {
    edge,
    channels,
    read: (examples) => reader.read(examples.map((i) => records[i])),
    close: () => reader.close(),
  };
}

/** Of the 1024 files that a process may have open where nobody raised the limit. */
const MOST_OPEN = 512;

/** Reads records out of their shards. */
export class RecordReader {
  private readonly open = new LRUCache<string, number>({ max: MOST_OPEN, dispose: (file) => closeSync(file) });

  /**
   * @param recordBytes S·S·channels
   * @param fetch asked before each read of a shard (P7); left out: all files are there
   */
  constructor(
    private readonly shards: readonly ShardFile[],
    private readonly recordBytes: number,
    private readonly fetch?: FetchRecords,
  ) {}

  /** @returns uint8 [places.length, S, S, channels], in the order of the places */
  async read(places: readonly RecordPlace[]): Promise<Uint8Array> {
    const { shards, recordBytes } = this;
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
        const fetched = this.fetch === undefined ? null : await this.fetch(shard, positions);
        if (fetched === null) {
          this.readFrom(file.path, batch, rows, positions);
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

  /** A read opens them anew. */
  close(): void {
    this.open.clear();
  }

  /** The records at these positions of a file, each into its row of the batch. */
  private readFrom(path: string, batch: Uint8Array, rows: readonly number[], positions: readonly number[]): void {
    const { recordBytes } = this;
    const file = this.open.get(path) ?? openSync(path, 'r');
    this.open.set(path, file);
    try {
      rows.forEach((row, i) => {
        const offset = positions[i] * recordBytes;
        if (readSync(file, batch, row * recordBytes, recordBytes, offset) !== recordBytes)
          throw corrupt(path, `ends inside the record at byte ${offset}`);
      });
    } catch (error) {
      this.open.delete(path); // R2
      throw error;
    }
  }
}

function corrupt(what: string, rule: string): LodestoneError {
  return new LodestoneError('ArtifactCorrupt', `${what}: ${rule}. Remove it from the cache, it is fetched again.`);
}
