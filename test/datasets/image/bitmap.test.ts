import fc from 'fast-check';
import { BitmapError, decodeBmp, decodePpm } from '../../../datasets/image/bitmap';
import { bmp } from '../made-images';

const LIMIT = 1_000_000;
const pixelsOf = (bytes: Uint8Array): number[] => [...decodeBmp(bytes, LIMIT).pixels];
const black = [0, 0, 0];
const red = [255, 0, 0];

describe('decodeBmp', () => {
  test.each([
    [
      '24 bits, stored bottom row first',
      bmp(24, 2, [
        [0, 0, 255, 0, 0, 0],
        [0, 0, 0, 0, 0, 255],
      ]),
    ],
    [
      '24 bits, stored top row first',
      bmp(
        24,
        2,
        [
          [0, 0, 255, 0, 0, 0],
          [0, 0, 0, 0, 0, 255],
        ],
        { topDown: true },
      ),
    ],
    [
      '32 bits',
      bmp(32, 2, [
        [0, 0, 255, 9, 0, 0, 0, 9],
        [0, 0, 0, 9, 0, 0, 255, 9],
      ]),
    ],
    [
      '8 bits with a palette',
      bmp(
        8,
        2,
        [
          [1, 0],
          [0, 1],
        ],
        { palette: [0, 0, 0, 0, 0, 0, 255, 0] },
      ),
    ],
    ['4 bits with a palette', bmp(4, 2, [[0x10], [0x01]], { palette: [0, 0, 0, 0, 0, 0, 255, 0] })],
    ['1 bit with a palette', bmp(1, 2, [[0x80], [0x40]], { palette: [0, 0, 0, 0, 0, 0, 255, 0] })],
  ])('%s', (_what, bytes) => {
    expect(pixelsOf(bytes)).toEqual([...red, ...black, ...black, ...red]);
  });

  test.each([
    ['a header that is cut', bmp(24, 1, [[1, 2, 3]]).subarray(0, 40), 'corrupt'],
    ['pixels that are cut', bmp(24, 2, [[1, 2, 3, 4, 5, 6]]).subarray(0, 60), 'corrupt'],
    ['a palette that is cut', bmp(8, 1, [[0]], { palette: [0, 0, 0, 0] }).subarray(0, 56), 'corrupt'],
    ['a colour outside the palette', bmp(8, 1, [[3]], { palette: [0, 0, 0, 0] }), 'corrupt'],
    ['no pixel', bmp(24, 0, [[]]), 'corrupt'],
    ['run-length compression', bmp(8, 1, [[0]], { palette: [0, 0, 0, 0], compression: 1 }), 'unsupported'],
    ['more pixels than allowed', bmp(24, 40_000, [[]]).fill(0x7f, 22, 24), 'giant'],
  ])('%s is refused', (_what, bytes, kind) => {
    expect(() => decodeBmp(bytes, LIMIT)).toThrow(expect.objectContaining({ name: 'BitmapError', kind }) as Error);
  });
});

describe('decodePpm', () => {
  const ppm = (header: string, ...values: number[]): Buffer =>
    Buffer.concat([Buffer.from(header, 'latin1'), Buffer.from(values)]);

  test.each([
    [
      'P6, 8 bits, a comment in the header',
      ppm('P6\n# made by hand\n2 1\n255\n', 1, 2, 3, 4, 5, 6),
      3,
      [1, 2, 3, 4, 5, 6],
    ],
    ['P5, another maximum', ppm('P5 2 1 15 ', 0, 15), 1, [0, 255]],
    ['P5, 16 bits', ppm('P5 2 1 65535\n', 255, 255, 0, 255), 1, [255, 1]],
  ])('%s', (_what, bytes, channels, expected) => {
    const decoded = decodePpm(bytes, LIMIT);
    expect([decoded.width, decoded.height, decoded.channels]).toEqual([2, 1, channels]);
    expect([...decoded.pixels]).toEqual(expected);
  });

  test.each([
    ['a cut header', ppm('P6\n2 1\n'), 'corrupt'],
    ['cut pixels', ppm('P6\n2 1\n255\n', 1, 2, 3, 4, 5), 'corrupt'],
    ['a maximum of 0', ppm('P6\n1 1\n0\n', 1, 2, 3), 'corrupt'],
    ['more pixels than allowed', ppm('P6\n40000 40000\n255\n'), 'giant'],
  ])('%s is refused', (_what, bytes, kind) => {
    expect(() => decodePpm(bytes, LIMIT)).toThrow(expect.objectContaining({ name: 'BitmapError', kind }) as Error);
  });
});

test('whatever the bytes, the decoders return a picture or say what is wrong; they never fail otherwise', () => {
  const starts = [
    bmp(8, 3, [[0, 1, 1]], { palette: [0, 0, 0, 0, 9, 9, 9, 0] }),
    Buffer.from('P6\n3 1\n255\n123456789', 'latin1'),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...starts),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
      fc.nat(80),
      (start, changes, length) => {
        const bytes = Buffer.from(start.subarray(0, Math.max(2, length)));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        for (const decode of [decodeBmp, decodePpm]) {
          try {
            const { width, height, channels, pixels } = decode(bytes, LIMIT);
            expect(pixels.length).toBe(width * height * channels);
          } catch (error) {
            if (!(error instanceof BitmapError)) throw error;
          }
        }
      },
    ),
    { seed: 4, numRuns: 2000 },
  );
});
