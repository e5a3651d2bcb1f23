/**
 * Writes an RGB image as PNG with stored (uncompressed) data. A compressor's output depends on its version and on the
 * processor; these bytes do not, so the digest of a generated set is the same everywhere. Knows pixels and chunks only.
 */
import { crc32 } from 'node:zlib';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const STORED_BLOCK_MAX = 0xffff;

/** @param pixels RGB, uint8 [height, width, 3], row-major */
export function encodePng(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, deflate, filter per row, not interlaced
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', storedZlib(filteredRows(pixels, width * 3, height))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** Each row preceded by its filter byte, 0: none. */
function filteredRows(pixels: Uint8Array, rowBytes: number, rows: number): Uint8Array {
  const out = new Uint8Array((rowBytes + 1) * rows);
  for (let row = 0; row < rows; row++) {
    out.set(pixels.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
  }
  return out;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** A zlib stream (RFC 1950) of stored deflate blocks (RFC 1951, 3.2.4). */
function storedZlib(data: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(data.length / STORED_BLOCK_MAX));
  const out = Buffer.alloc(2 + data.length + 5 * blocks + 4);
  out.set([0x78, 0x01], 0);
  let at = 2;
  for (let block = 0; block < blocks; block++) {
    const part = data.subarray(block * STORED_BLOCK_MAX, (block + 1) * STORED_BLOCK_MAX);
    out[at] = block === blocks - 1 ? 1 : 0;
    out.writeUInt16LE(part.length, at + 1);
    out.writeUInt16LE(~part.length & 0xffff, at + 3);
    out.set(part, at + 5);
    at += 5 + part.length;
  }
  out.writeUInt32BE(adler32(data), at);
  return out;
}

function adler32(data: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}
