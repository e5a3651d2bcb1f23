/**
 * Tensors as safetensors, the format that every framework reads: u64 length, JSON header, row-major little-endian data.
 * Knows shapes and bytes; not what a tensor is for. The order of the file is that of the reference implementation (wide
 * types first, then names), so that equal tensors are equal bytes and all data is aligned. Node runs on little-endian
 * machines only.
 */
import { z } from 'zod';
import { LodestoneError } from '../errors';

export type StoredTensor =
  | { readonly dtype: 'F64'; readonly shape: readonly number[]; readonly values: Float64Array }
  | { readonly dtype: 'F32'; readonly shape: readonly number[]; readonly values: Float32Array }
  | { readonly dtype: 'I32'; readonly shape: readonly number[]; readonly values: Int32Array }
  | { readonly dtype: 'U8'; readonly shape: readonly number[]; readonly values: Uint8Array };

/** In the order in which they lie in a file. */
const dtypes = ['F64', 'F32', 'I32', 'U8'] as const;
const widths = { F64: 8, F32: 4, I32: 4, U8: 1 } as const;
const METADATA = '__metadata__';
/** A header that claims more is refused before it is read. */
const MAX_HEADER_BYTES = 25 * 2 ** 20;

const Size = z.int().min(0);
const Entry = z.strictObject({
  dtype: z.enum(dtypes),
  shape: z.array(Size),
  data_offsets: z.tuple([Size, Size]),
});
type Entry = z.infer<typeof Entry>;
const Metadata = z.record(z.string(), z.string());

export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = [...tensors].sort(
    ([a, { dtype: left }], [b, { dtype: right }]) =>
      dtypes.indexOf(left) - dtypes.indexOf(right) || Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  let end = 0;
  // Text, not an object: an object would reorder names such as "10".
  const entries = ordered.map(([name, { dtype, shape, values }]) => {
    const bytes = sizeOf(shape) * widths[dtype];
    if (name === METADATA || bytes !== values.byteLength)
      throw new LodestoneError(
        'Unexpected',
        `tensor ${name}: ${values.length} values, shape [${shape.join(', ')}] needs ${sizeOf(shape)}; no tensor is called ${METADATA}. This is a fault in lodestone.`,
      );
    const entry: Entry = { dtype, shape: [...shape], data_offsets: [end, (end += bytes)] };
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`;
  });
  const notes = Object.entries(metadata)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(text)}`);
  if (notes.length > 0) entries.unshift(`"${METADATA}":{${notes.join(',')}}`);

  const text = Buffer.from(`{${entries.join(',')}}`);
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(text, 8);
  let at = 8 + headerBytes;
  for (const [, { values }] of ordered) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}

/**
 * The tensors of a file, by name in the order of names; their values are copies.
 * Throws ArtifactCorrupt where the file is not exactly a header and its data: no holes, no overlap, no rest.
 */
export function readSafetensors(bytes: Uint8Array): Map<string, StoredTensor> {
  const { entries, dataStart } = readHeader(bytes);
  let end = 0;
  for (const [name, entry] of entries) {
    const [from, to] = entry.data_offsets;
    const needed = sizeOf(entry.shape) * widths[entry.dtype];
    if (from !== end)
      throw corrupt(`tensor ${name} begins at ${from}, must begin at ${end}, where the one before it ends`);
    if (to - from !== needed)
      throw corrupt(`tensor ${name} has ${to - from} bytes, must have ${needed} for [${entry.shape.join(', ')}]`);
    end = to;
  }
  if (dataStart + end !== bytes.length)
    throw corrupt(`${bytes.length} bytes, must be ${dataStart + end} by the header`);

  const named = entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return new Map(
    named.map(([name, entry]) => {
      const [from, to] = entry.data_offsets;
      // A copy of its own: slicing a Buffer would share its memory.
      return [name, tensorOf(entry, new Uint8Array(bytes.subarray(dataStart + from, dataStart + to)).buffer)];
    }),
  );
}

/** Entries in the order of their data. */
function readHeader(bytes: Uint8Array): { entries: [string, Entry][]; dataStart: number } {
  if (bytes.length < 8) throw corrupt(`${bytes.length} bytes, must begin with a length of 8`);
  const claimed = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (claimed > MAX_HEADER_BYTES || Number(claimed) > bytes.length - 8)
    throw corrupt(`a header of ${claimed} bytes, must be at most ${Math.min(MAX_HEADER_BYTES, bytes.length - 8)}`);
  const dataStart = 8 + Number(claimed);
  const header = parseHeader(bytes.subarray(8, dataStart));
  const notes = Metadata.safeParse(header[METADATA] ?? {});
  if (!notes.success) throw corrupt(`${METADATA} holds something else than strings`);

  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]): [string, Entry] => {
      const entry = Entry.safeParse(value);
      if (!entry.success)
        throw corrupt(
          `tensor ${name} is ${JSON.stringify(value).slice(0, 80)}, must be {dtype: ${dtypes.join(' | ')}, shape, data_offsets}`,
        );
      return [name, entry.data];
    })
    .sort(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1]);
  return { entries, dataStart };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.startsWith('{')) return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw corrupt('a header that is not JSON', cause);
  }
  throw corrupt('a header that does not begin with {');
}

function tensorOf({ dtype, shape }: Entry, data: ArrayBuffer): StoredTensor {
  switch (dtype) {
    case 'F64':
      return { dtype, shape, values: new Float64Array(data) };
    case 'F32':
      return { dtype, shape, values: new Float32Array(data) };
    case 'I32':
      return { dtype, shape, values: new Int32Array(data) };
    case 'U8':
      return { dtype, shape, values: new Uint8Array(data) };
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function corrupt(found: string, cause?: unknown): LodestoneError {
  return new LodestoneError('ArtifactCorrupt', `safetensors: ${found}. Restore the file, or write it again.`, {
    cause,
  });
}
