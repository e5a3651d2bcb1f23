/**
 * One image file to one record of a shard: S×S×channels bytes of the centre square. A file that cannot be read is an
 * outcome with a reason, never an exception: one broken photo stops no run.
 * Knows formats and pixels. Does not know where files lie (pack.ts) nor what they are labelled.
 * Sets sharp's process-wide switches (one thread a call, no cache): the parallelism is the caller's.
 *
 * Invariants:
 *   D1  The bytes decide the format, never the name; libvips must agree with our own look at them, so that nothing but the
 *       formats listed is ever opened (SVG and PDF are programs, not pictures).
 *   D2  The size is checked on the header, before a pixel is decoded.
 *   D3  A JPEG or PNG is opened once: libvips knows them by the bytes that we look at, they have one frame, and it checks the
 *       size itself. Only where that fails is the header read alone, to say why.
 *   D4  libvips has one error text for the whole process, which any image that ends beside clears: a file that it cannot decode is
 *       decoded once more while nothing else is, so that the reason is its own, and the same in every run.
 */
import sharp, { type Sharp } from 'sharp';
import type { DataOptions } from '../config/recipe';
import { assertNever } from '../errors';
import { BitmapError, decodeBmp, decodePpm, type Bitmap } from './image/bitmap';
import { formatOfName, sniffFormat, type ImageFormat } from './image/format';
import { Turns } from './turns';
import { recordBytesOf, type DecodeView } from './view';

sharp.concurrency(1);
sharp.cache(false);

/** Of the recipe's `data`: the largest size, and how much damage libvips tolerates before it gives up on a file. */
export type DecodeLimits = Pick<DataOptions, 'maxPixels' | 'failOn'>;

export type QuarantineKind = 'empty' | 'unsupported' | 'corrupt' | 'giant' | 'unreadable';

export type DecodeOutcome =
  | { readonly type: 'decoded'; readonly pixels: Uint8Array; readonly notes: readonly string[] }
  | { readonly type: 'quarantined'; readonly kind: QuarantineKind; readonly reason: string };

/**
 * @param path used for its extension alone
 * @returns pixels uint8 [S, S, channels], or why there are none
 */
export async function decodeImage(
  bytes: Uint8Array,
  path: string,
  view: DecodeView,
  limits: DecodeLimits,
): Promise<DecodeOutcome> {
  if (bytes.length === 0) return quarantined('empty', 'the file has no bytes');
  const sniffed = sniffFormat(bytes);
  if (sniffed.type === 'unsupported')
    return quarantined('unsupported', `the content is ${sniffed.name}, which is not read`);
  if (sniffed.type === 'unknown')
    return quarantined('unsupported', `the content begins with ${firstBytes(bytes)}: no image format that is read`);
  const { format } = sniffed;

  const promised = formatOfName(path);
  const notes = promised === format ? [] : [`is ${format} by its content, ${promised ?? 'no image'} by its name`];
  const once = (): Promise<Decoded> => decode(bytes, format, view, limits);
  try {
    const { pixels, frames } = await turns.beside(once).catch((error: unknown) => {
      if (isOurs(error)) throw error;
      return turns.alone(once); // D4
    });
    return {
      type: 'decoded',
      pixels,
      notes: frames > 1 ? [...notes, `has ${frames} frames, the first is used`] : notes,
    };
  } catch (error) {
    if (isOurs(error)) return quarantined(error.kind, error.message);
    return quarantined('corrupt', `${format} that cannot be decoded: ${firstLine(error)}`);
  }
}

const turns = new Turns();

/** What we found wrong ourselves, in words of our own. */
function isOurs(error: unknown): error is Quarantine | BitmapError {
  return error instanceof Quarantine || error instanceof BitmapError;
}

interface Decoded {
  readonly pixels: Uint8Array;
  readonly frames: number;
}

async function decode(
  bytes: Uint8Array,
  format: ImageFormat,
  view: DecodeView,
  limits: DecodeLimits,
): Promise<Decoded> {
  switch (format) {
    case 'bmp':
      return { pixels: await squareOf(fromBitmap(decodeBmp(bytes, limits.maxPixels)), view), frames: 1 };
    case 'ppm':
      return { pixels: await squareOf(fromBitmap(decodePpm(bytes, limits.maxPixels)), view), frames: 1 };
    case 'jpeg':
    case 'png':
      try {
        return { pixels: await squareOf(fromFile(bytes, limits), view), frames: 1 }; // D3
      } catch (error) {
        await checkHeader(bytes, format, limits);
        throw error;
      }
    case 'webp':
    case 'gif':
    case 'tiff': {
      const { frames } = await checkHeader(bytes, format, limits);
      return { pixels: await squareOf(fromFile(bytes, limits), view), frames };
    }
    default:
      return assertNever(format);
  }
}

/** Throws Quarantine where the header says why the file is not read. */
async function checkHeader(
  bytes: Uint8Array,
  format: ImageFormat,
  { maxPixels, failOn }: DecodeLimits,
): Promise<{ frames: number }> {
  const header = await sharp(bytes, { limitInputPixels: false, failOn }).metadata();
  const { format: found, width, height, pages = 1 } = header;
  if (found !== format) throw new Quarantine('corrupt', `begins like ${format} but is ${found} to the decoder`); // D1
  if (width * height > maxPixels)
    throw new Quarantine('giant', `${width}×${height} pixels, more than ${maxPixels / 1e6} million`); // D2
  return { frames: pages };
}

function fromFile(bytes: Uint8Array, { maxPixels, failOn }: DecodeLimits): Sharp {
  return sharp(bytes, { limitInputPixels: maxPixels, failOn }).autoOrient();
}

function fromBitmap({ width, height, channels, pixels }: Bitmap): Sharp {
  return sharp(pixels, { raw: { width, height, channels } });
}

/** The centre square, scaled to S×S; transparent parts on white. */
async function squareOf(image: Sharp, view: DecodeView): Promise<Uint8Array> {
  const { edge, channels, invert } = view;
  const { data, info } = await image
    .resize(edge, edge, { fit: 'cover', position: 'centre' })
    .flatten(WHITE)
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== channels || data.length !== recordBytesOf(view)) {
    throw new Quarantine('unsupported', `decodes to ${info.channels} channels, not ${channels}`);
  }
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (invert) for (let i = 0; i < pixels.length; i++) pixels[i] = 255 - pixels[i];
  return pixels;
}

const WHITE = { background: '#ffffff' };

class Quarantine extends Error {
  constructor(
    readonly kind: QuarantineKind,
    message: string,
  ) {
    super(message);
  }
}

function quarantined(kind: QuarantineKind, reason: string): DecodeOutcome {
  return { type: 'quarantined', kind, reason };
}

function firstBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 8))
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
}
