/** Small images of every format, whole and broken, and folders of them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** A picture with a red left half and a blue right half. */
export function redAndBlue(width: number, height: number): Sharp {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) pixels.set(i % width < width / 2 ? [255, 0, 0] : [0, 0, 255], i * 3);
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** A busy picture: its file is long, so that a cut or a flipped bit falls into pixels. */
export function busy(width: number, height: number): Sharp {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919 + (i >> 4) * 31) & 255);
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** A folder for each class, of so many small PNGs of different colours. */
export async function writeClassFolders(root: string, classes: Readonly<Record<string, number>>): Promise<void> {
  for (const [index, [name, count]] of Object.entries(classes).entries()) {
    await mkdir(join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const background = { r: 40 + 80 * index, g: (i * 29) % 256, b: (i * 53) % 256 };
      const png = sharp({ create: { width: 20, height: 20, channels: 3, background } }).png();
      await png.toFile(join(root, name, `${i}.png`));
    }
  }
}

/** A PNG whose header promises more than it holds. */
export async function pngWithHeaderSize(width: number, height: number): Promise<Buffer> {
  const png = await redAndBlue(2, 2).png().toBuffer();
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

/** An uncompressed BMP; rows are given top first. */
export function bmp(
  bits: 1 | 4 | 8 | 24 | 32,
  width: number,
  rows: readonly (readonly number[])[],
  options: { palette?: readonly number[]; topDown?: boolean; compression?: number } = {},
): Buffer {
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const palette = Buffer.from(options.palette ?? []);
  const header = Buffer.alloc(54);
  const offset = 54 + palette.length;
  header.write('BM', 0, 'latin1');
  header.writeUInt32LE(offset + rowBytes * rows.length, 2);
  header.writeUInt32LE(offset, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(options.topDown ? -rows.length : rows.length, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(options.compression ?? 0, 30);
  header.writeUInt32LE(palette.length / 4, 46);
  const padded = rows.map((row) => Buffer.concat([Buffer.from(row), Buffer.alloc(rowBytes - row.length)]));
  return Buffer.concat([header, palette, ...(options.topDown ? padded : padded.reverse())]);
}
