import sharp, { type Sharp } from 'sharp';
import { decodeImage, type DecodeLimits, type DecodeOutcome } from '../../datasets/decode';
import type { DecodeView } from '../../datasets/view';
import { bmp, busy, pngWithHeaderSize, redAndBlue } from './made-images';

const view: DecodeView = { edge: 8, channels: 3, invert: false };
const limits: DecodeLimits = { maxPixels: 50_000_000, failOn: 'error' };

const decode = (bytes: Uint8Array, path = 'x.png', with_: Partial<DecodeView> = {}): Promise<DecodeOutcome> =>
  decodeImage(bytes, path, { ...view, ...with_ }, limits);

async function pixelsOf(bytes: Uint8Array, path?: string, with_?: Partial<DecodeView>): Promise<Uint8Array> {
  const outcome = await decode(bytes, path, with_);
  if (outcome.type !== 'decoded') throw new Error(outcome.reason);
  return outcome.pixels;
}
const at = (pixels: Uint8Array, x: number, y: number): number[] => [
  ...pixels.subarray((y * 8 + x) * 3, (y * 8 + x) * 3 + 3),
];

describe('decodeImage', () => {
  test.each(['png', 'jpeg', 'webp', 'gif', 'tiff'] as const)('reads %s', async (format) => {
    const bytes = await redAndBlue(32, 32).toFormat(format, { quality: 95 }).toBuffer();
    const pixels = await pixelsOf(bytes, `x.${format === 'jpeg' ? 'JPG' : format}`);
    expect(pixels.length).toBe(8 * 8 * 3);
    for (const [x, expected] of [
      [1, [255, 0, 0]],
      [6, [0, 0, 255]],
    ] as const) {
      at(pixels, x, 4).forEach((value, channel) =>
        expect(Math.abs(value - (expected[channel] as number))).toBeLessThan(25),
      );
    }
  });

  test('reads BMP and PPM', async () => {
    expect(at(await pixelsOf(bmp(24, 1, [[0, 0, 200]]), 'x.bmp'), 3, 3)).toEqual([200, 0, 0]);
    expect(at(await pixelsOf(Buffer.from('P6\n1 1\n255\n\xc8\x00\x00', 'latin1'), 'x.ppm'), 3, 3)).toEqual([200, 0, 0]);
  });

  test('takes the centre square: the ends of a wide picture are cut off', async () => {
    const wide = await sharp({ create: { width: 96, height: 32, channels: 3, background: '#00ff00' } })
      .composite([{ input: await redAndBlue(32, 32).png().toBuffer(), left: 32, top: 0 }])
      .png()
      .toBuffer();
    const pixels = await pixelsOf(wide);
    expect(at(pixels, 1, 4)[0]).toBeGreaterThan(250); // red, not the green of the ends
    expect(at(pixels, 6, 4)[2]).toBeGreaterThan(250);
  });

  test('one channel is luminance; invert turns it around', async () => {
    const white = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#ffffff' } })
      .png()
      .toBuffer();
    const one = await pixelsOf(white, 'x.png', { channels: 1 });
    expect([one.length, one[0]]).toEqual([64, 255]);
    expect((await pixelsOf(white, 'x.png', { channels: 1, invert: true }))[0]).toBe(0);
  });

  test('transparent parts lie on white; 16 bits, grey and CMYK come out as 8-bit RGB', async () => {
    const clear = await sharp({
      create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect(at(await pixelsOf(clear), 0, 0)).toEqual([255, 255, 255]);
    const orange = sharp({ create: { width: 4, height: 4, channels: 3, background: { r: 255, g: 128, b: 0 } } });
    for (const bytes of [
      await orange.clone().toColourspace('rgb16').png().toBuffer(),
      await orange.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
    ]) {
      at(await pixelsOf(bytes), 4, 4).forEach((value, i) =>
        expect(Math.abs(value - [255, 128, 0][i])).toBeLessThan(12),
      );
    }
    const grey = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#646464' } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect(at(await pixelsOf(grey), 4, 4)).toEqual([100, 100, 100]);
  });

  test('turns a photo the way its EXIF orientation says', async () => {
    const turned = await redAndBlue(32, 32).jpeg({ quality: 95 }).withMetadata({ orientation: 3 }).toBuffer(); // by 180°
    const left = at(await pixelsOf(turned, 'x.jpg'), 1, 4);
    expect(left[2]).toBeGreaterThan(200);
    expect(left[0]).toBeLessThan(50);
  });

  test('D1: a GIF named .jpg is read by its content and noted; so are further frames', async () => {
    const frames = await sharp(
      [await redAndBlue(8, 8).png().toBuffer(), await redAndBlue(8, 8).negate().png().toBuffer()],
      {
        join: { animated: true },
      },
    )
      .gif()
      .toBuffer();
    expect(await decode(frames, 'cat.jpg')).toMatchObject({
      type: 'decoded',
      notes: ['is gif by its content, jpeg by its name', 'has 2 frames, the first is used'],
    });
  });

  test('D3, D4: a sound JPEG is opened once; of one that fails the header is read too, and so once more alone', async () => {
    const headers = jest.spyOn(sharp.prototype as Sharp, 'metadata');
    try {
      const sound = await busy(64, 64).jpeg().toBuffer();
      expect((await decode(sound, 'x.jpg')).type).toBe('decoded');
      expect(headers).not.toHaveBeenCalled();
      expect((await decode(sound.subarray(0, 1500), 'x.jpg')).type).toBe('quarantined');
      expect(headers).toHaveBeenCalledTimes(2);
    } finally {
      headers.mockRestore();
    }
  });

  test('the same bytes give the same record', async () => {
    const bytes = await redAndBlue(50, 33).jpeg().toBuffer();
    expect(await pixelsOf(bytes)).toEqual(await pixelsOf(bytes));
  });
});

describe('files that are quarantined', () => {
  const svg =
    '<?xml version="1.0"?><!-- hi --><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';

  test.each<[string, () => Promise<Uint8Array> | Uint8Array, string, RegExp]>([
    ['an empty file', () => new Uint8Array(0), 'empty', /no bytes/],
    ['text', () => Buffer.from('not an image'), 'unsupported', /begins with 6e 6f 74/],
    ['an SVG named .png', () => Buffer.from(svg), 'unsupported', /content is SVG/],
    ['an SVG without a declaration', () => Buffer.from('\n <svg width="9"/>'), 'unsupported', /content is SVG/],
    ['a saved error page', () => Buffer.from('<!DOCTYPE html><html></html>'), 'unsupported', /content is HTML/],
    [
      'a truncated JPEG',
      async () => (await busy(64, 64).jpeg().toBuffer()).subarray(0, 1500),
      'corrupt',
      /jpeg that cannot be decoded/,
    ],
    [
      'a PNG with a flipped bit',
      async () => flipped(await busy(64, 64).png({ compressionLevel: 0 }).toBuffer()),
      'corrupt',
      /png that cannot be decoded/,
    ],
    ['a JPEG of four bytes', () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'corrupt', /jpeg that cannot be decoded/],
    [
      'a header of 30,000 × 30,000',
      () => pngWithHeaderSize(30_000, 30_000),
      'giant',
      /30000×30000 pixels, more than 50 million/,
    ],
    ['a giant BMP header', () => bmp(24, 40_000, [[]]).fill(0x7f, 22, 24), 'giant', /pixels/],
    [
      'a compressed BMP',
      () => bmp(8, 1, [[0]], { palette: [0, 0, 0, 0], compression: 1 }),
      'unsupported',
      /BMP compression 1/,
    ],
  ])('%s', async (_what, make, kind, reason) => {
    const outcome = await decode(await make(), 'x.png');
    expect(outcome).toMatchObject({ type: 'quarantined', kind, reason: expect.stringMatching(reason) });
  });

  test('D2: the limit counts pixels; one pixel below it is read', async () => {
    const bytes = await redAndBlue(100, 100).png().toBuffer();
    const at = async (maxPixels: number): Promise<string> =>
      (await decodeImage(bytes, 'x.png', view, { ...limits, maxPixels })).type;
    expect(await at(10_000)).toBe('decoded');
    expect(await at(9_999)).toBe('quarantined');
  });

  test('a data set may ask to accept damaged tails', async () => {
    const cut = (await busy(64, 64).jpeg().toBuffer()).subarray(0, 1500);
    expect((await decodeImage(cut, 'x.jpg', view, { ...limits, failOn: 'none' })).type).toBe('decoded');
  });
});

function flipped(bytes: Buffer): Buffer {
  const at = bytes.length >> 1;
  bytes[at] = bytes[at] ^ 1;
  return bytes;
}
