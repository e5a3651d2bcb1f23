/**
 * Packs the images of one shard: reads, checks and decodes its files a few at a time and lays the records back to back.
 * Pure but for the reader it is given: the same bytes in give the same shard out, on whichever host and attempt.
 * Knows nothing of S3 or Temporal: the caller says how to read a file and where the shard goes.
 *
 * Invariants:
 *   K1  Records stand in the order asked for; a quarantined file leaves no gap.
 *   K2  A file whose bytes are not those of the scan is an error, not another record: the shard's key names its content.
 *       Where this process scanned it, its identity says so, which on a local disk nothing but a map of memory can deceive.
 */
import type { z } from 'zod';
import type { ShardReport } from '../config/artifacts';
import { sha256Hex } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { decodeImage, type DecodeLimits, type DecodeOutcome } from './decode';
import type { ImageFile, KnownDigests } from './image-file';
import { Lanes, mapInFlight } from './in-flight';
import { recordBytesOf, type DecodeView } from './view';

export interface PackRequest {
  /** The files of the shard, in the order of their records, with the sha256 that the scan saw. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  readonly view: DecodeView;
  readonly limits: DecodeLimits;
}

export interface PackSource {
  /** Calls `use` with a file, whose bytes are nobody else's until it has settled. */
  readonly withFile: <R>(path: string, use: (file: ImageFile) => Promise<R>) => Promise<R>;
  /** Where the records are laid, at least one for each file; left out: memory of its own. */
  readonly memory?: Uint8Array | undefined;
  /** Called after each file, decoded or not, with the number done so far. */
  readonly onFile?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What the scan noted: those files are not hashed again. */
  readonly digests?: KnownDigests | undefined;
}

export interface PackedShard extends z.infer<typeof ShardReport> {
  /** uint8 [records, S, S, channels]; their paths, in order, are `paths`. */
  readonly bytes: Uint8Array;
}

type FileOutcome =
  Omit<Extract<DecodeOutcome, { type: 'decoded' }>, 'pixels'> | Extract<DecodeOutcome, { type: 'quarantined' }>;

/** Of all shards together. Four threads decode (UV_THREADPOOL_SIZE): they never wait for a file that is yet to be read. */
export const FILES_IN_FLIGHT = 12;
const lanes = new Lanes(FILES_IN_FLIGHT);
/** Of one shard. More than there are lanes: of its own some wait for the lane that it leaves, and a younger shard's do not get it. */
const FILES_ASKED_FOR = 2 * FILES_IN_FLIGHT;

export async function packShard({ files, view, limits }: PackRequest, source: PackSource): Promise<PackedShard> {
  const recordBytes = recordBytesOf(view);
  const { memory: laidOut = new Uint8Array(files.length * recordBytes) } = source; // by place in the request; closed up below
  let done = 0;
  const inLane = lanes.forWork(source.signal);
  const packFile = async ({ path, sha256 }: PackRequest['files'][number], place: number): Promise<FileOutcome> => {
    const outcome = await source.withFile(path, (file) => {
      if ((source.digests?.find(file.identity) ?? sha256Hex(file.bytes)) !== sha256) throw changed(path);
      return decodeImage(file.bytes, path, view, limits);
    });
    if (outcome.type === 'decoded') laidOut.set(outcome.pixels, place * recordBytes);
    source.onFile?.(++done);
    return outcome.type === 'decoded' ? { type: outcome.type, notes: outcome.notes } : outcome; // its pixels are laid out
  };
  const outcomes = await mapInFlight(files, FILES_ASKED_FOR, (file, place) => inLane(() => packFile(file, place)));
  source.signal?.throwIfAborted();

  const packed = {
    paths: [] as string[],
    quarantined: [] as PackedShard['quarantined'][number][],
    notes: [] as PackedShard['notes'][number][],
  };
  outcomes.forEach((outcome, place) => {
    const { path } = files[place];
    if (outcome.type === 'quarantined') {
      packed.quarantined.push({ path, kind: outcome.kind, reason: outcome.reason });
      return;
    }
    laidOut.copyWithin(packed.paths.length * recordBytes, place * recordBytes, (place + 1) * recordBytes);
    packed.paths.push(path);
    packed.notes.push(...outcome.notes.map((note) => ({ path, note })));
  });
  const bytes = laidOut.subarray(0, packed.paths.length * recordBytes);
  return { bytes, sha256: sha256Hex(bytes), ...packed };
}

function changed(path: string): LodestoneError {
  return new LodestoneError(
    'DataRejected',
    `${path}: its bytes changed since the data set was scanned. Let the files be and start again.`,
  );
}
