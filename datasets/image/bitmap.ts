/**
 * Reads the two plain formats that sharp's libvips is built without: BMP (uncompressed, 1, 4, 8, 24 or 32 bits) and
 * binary PPM or PGM. Every offset is checked against the file before it is used. Knows bytes and pixels only.
 */

export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** uint8 [height, width, channels], top row first. */
  readonly pixels: Uint8Array;
}

/** What is wrong with the file; its message is the reason of a quarantine. */
export class BitmapError extends Error {
  override readonly name = 'BitmapError';
  constructor(
    readonly kind: 'corrupt' | 'unsupported' | 'giant',
    message: string,
  ) {
    super(message);
  }
}

export function decodeBmp(bytes: Uint8Array, maxPixels: number): Bitmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 54) throw new BitmapError('corrupt', 'BMP header is cut short');
  const dataOffset = view.getUint32(10, true);
  const headerSize = view.getUint32(14, true);
  if (headerSize < 40) throw new BitmapError('unsupported', `BMP header of ${headerSize} bytes (OS/2) is not read`);
  const width = view.getInt32(18, true);
  const signedHeight = view.getInt32(22, true); // negative: the top row comes first
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  checkSize(width, height, maxPixels);
  if (compression !== 0)
    throw new BitmapError('unsupported', `BMP compression ${compression} is not read, only uncompressed`);
  if (![1, 4, 8, 24, 32].includes(bits))
    throw new BitmapError('unsupported', `BMP with ${bits} bits a pixel is not read`);

  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (dataOffset + rowBytes * height > bytes.length) throw new BitmapError('corrupt', 'BMP pixel data is cut short');
  const palette =
    bits <= 8 ? readPalette(bytes, 14 + headerSize, view.getUint32(46, true) || 2 ** bits) : new Uint8Array(0);

  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = dataOffset + rowBytes * (signedHeight < 0 ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const [source, at] = bits <= 8 ? [palette, 4 * paletteIndex(bytes, row, x, bits)] : [bytes, row + (x * bits) / 8];
      if (at + 2 >= source.length) throw new BitmapError('corrupt', 'BMP pixel names a colour outside its palette');
      const to = (y * width + x) * 3;
      pixels[to] = source[at + 2]; // stored blue, green, red
      pixels[to + 1] = source[at + 1];
      pixels[to + 2] = source[at];
    }
  }
  return { width, height, channels: 3, pixels };
}

/** Binary PGM (P5) and PPM (P6), 8 or 16 bits a channel, scaled to 8. */
export function decodePpm(bytes: Uint8Array, maxPixels: number): Bitmap {
  const { fields, dataOffset } = readPpmHeader(bytes);
  const [width, height, maximum] = fields;
  checkSize(width, height, maxPixels);
  if (maximum < 1 || maximum > 65_535)
    throw new BitmapError('corrupt', `PPM maximum value is ${maximum}, must be 1 to 65535`);
  const channels = bytes[1] === 0x35 ? 1 : 3;
  const bytesPerValue = maximum < 256 ? 1 : 2;
  const values = width * height * channels;
  if (dataOffset + values * bytesPerValue > bytes.length)
    throw new BitmapError('corrupt', 'PPM pixel data is cut short');

  const pixels = new Uint8Array(values);
  for (let i = 0; i < values; i++) {
    const at = dataOffset + i * bytesPerValue;
    const first = bytes[at];
    const value = bytesPerValue === 1 ? first : first * 256 + bytes[at + 1];
    pixels[i] = Math.round((Math.min(value, maximum) * 255) / maximum);
  }
  return { width, height, channels, pixels };
}

function checkSize(width: number, height: number, maxPixels: number): void {
  if (width < 1 || height < 1) throw new BitmapError('corrupt', `the header says ${width}×${height} pixels`);
  if (width * height > maxPixels) throw new BitmapError('giant', `the header says ${width}×${height} pixels`);
}

function readPalette(bytes: Uint8Array, offset: number, colours: number): Uint8Array {
  if (colours > 256 || offset + colours * 4 > bytes.length)
    throw new BitmapError('corrupt', 'BMP palette is cut short');
  return bytes.subarray(offset, offset + colours * 4);
}

function paletteIndex(bytes: Uint8Array, row: number, x: number, bits: number): number {
  const firstBit = x * bits;
  const byte = bytes[row + (firstBit >> 3)];
  return (byte >> (8 - bits - (firstBit & 7))) & ((1 << bits) - 1);
}

/** Width, height and maximum value: three decimal numbers between white space and comments, then one white-space byte. */
function readPpmHeader(bytes: Uint8Array): { fields: [number, number, number]; dataOffset: number } {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1');
  const gap = String.raw`(?:\s|#[^\n]*\n)+`;
  const match = new RegExp(String.raw`^P[56]${gap}(\d{1,9})${gap}(\d{1,9})${gap}(\d{1,9})\s`).exec(head);
  if (!match) throw new BitmapError('corrupt', 'PPM header is cut short or malformed');
  return { fields: [Number(match[1]), Number(match[2]), Number(match[3])], dataOffset: match[0].length };
}
