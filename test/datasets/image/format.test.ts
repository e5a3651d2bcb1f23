import { formatOfName, sniffFormat } from '../../../datasets/image/format';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

test.each([
  ['a.JPG', 'jpeg'],
  ['b/c.jpeg', 'jpeg'],
  ['x.tif', 'tiff'],
  ['x.y.webp', 'webp'],
  ['x.ppm', 'ppm'],
  ['x.svg', undefined],
  ['jpg', undefined],
  ['x.jpg.txt', undefined],
  ['.jpg', undefined],
])('the name %s promises %s', (name, format) => {
  expect(formatOfName(name)).toBe(format);
});

test.each([
  ['\xff\xd8\xff\xe0', { type: 'image', format: 'jpeg' }],
  ['\x89PNG\r\n\x1a\n', { type: 'image', format: 'png' }],
  ['RIFF\x10\0\0\0WEBPVP8 ', { type: 'image', format: 'webp' }],
  ['RIFF\x10\0\0\0WAVEfmt ', { type: 'unknown' }],
  ['GIF89a', { type: 'image', format: 'gif' }],
  ['II*\0', { type: 'image', format: 'tiff' }],
  ['MM\0*', { type: 'image', format: 'tiff' }],
  ['BM\x10\0\0\0\0\0\0\0', { type: 'image', format: 'bmp' }],
  ['BMW is a car', { type: 'unknown' }],
  ['P6\n2 2', { type: 'image', format: 'ppm' }],
  ['P3\n2 2', { type: 'unsupported', name: 'PBM or text PPM (P1 to P4)' }],
  ['\0\0\0\x1cftypavif', { type: 'unsupported', name: 'AVIF or HEIF' }],
  ['\0\0\0\x18ftypheic', { type: 'unsupported', name: 'AVIF or HEIF' }],
  ['<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "x">\n<svg>', { type: 'unsupported', name: 'SVG' }],
  ['%PDF-1.7', { type: 'unsupported', name: 'PDF' }],
  ['', { type: 'unknown' }],
])('the bytes %j are known', (text, expected) => {
  expect(sniffFormat(bytes(text))).toEqual(expected);
});
