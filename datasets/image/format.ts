/**
 * Which image format a file is in: by its first bytes, and by its name. The bytes are believed, the name is compared.
 * Knows magic numbers and extensions only.
 */
import { extname } from 'node:path';

/** Formats that decode.ts reads: the first five through libvips, the last two through bitmap.ts. */
export const imageFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'bmp', 'ppm'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** What the bytes are: a format that is read, another one that is known by name, or nothing known. */
export type SniffedFormat =
  | { readonly type: 'image'; readonly format: ImageFormat }
  | { readonly type: 'unsupported'; readonly name: string }
  | { readonly type: 'unknown' };

const FORMAT_OF_EXTENSION: Readonly<Record<string, ImageFormat>> = {
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.png': 'png',
  '.webp': 'webp',
  '.gif': 'gif',
  '.tif': 'tiff',
  '.tiff': 'tiff',
  '.bmp': 'bmp',
  '.ppm': 'ppm',
};

/** The format that a file's extension promises, in any case of letters; undefined where it is no image's. */
export function formatOfName(path: string): ImageFormat | undefined {
  return FORMAT_OF_EXTENSION[extname(path).toLowerCase()];
}

export function sniffFormat(bytes: Uint8Array): SniffedFormat {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString('latin1');
  for (const [format, magic] of SIGNATURES) if (magic.test(head)) return { type: 'image', format };
  for (const [name, magic] of UNSUPPORTED) if (magic.test(head)) return { type: 'unsupported', name };
  return { type: 'unknown' };
}

/* eslint-disable no-control-regex -- magic numbers are made of control characters */
const SIGNATURES: readonly (readonly [ImageFormat, RegExp])[] = [
  ['jpeg', /^\xff\xd8\xff/],
  ['png', /^\x89PNG\r\n\x1a\n/],
  ['webp', /^RIFF[^]{4}WEBP/],
  ['gif', /^GIF8[79]a/],
  ['tiff', /^(?:II\*\0|MM\0\*|II\+\0|MM\0\+)/],
  ['bmp', /^BM[^]{4}\0\0\0\0/],
  ['ppm', /^P[56][\s#]/],
];

const UNSUPPORTED: readonly (readonly [string, RegExp])[] = [
  ['SVG', /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^]*?)?(?:<!--[^]*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg[\s>]/i],
  ['AVIF or HEIF', /^[^]{4}ftyp(?:avif|avis|heic|heix|hevc|mif1|msf1)/],
  ['JPEG XL', /^(?:\xff\x0a|\0\0\0\x0cJXL )/],
  ['JPEG 2000', /^(?:\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/],
  ['PBM or text PPM (P1 to P4)', /^P[1-4][\s#]/],
  ['PDF', /^%PDF-/],
  ['HTML', /^\s*<(?:!doctype html|html)/i],
];
