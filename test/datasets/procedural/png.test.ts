import sharp from 'sharp';
import { encodePng } from '../../../datasets/procedural/png';

describe('encodePng', () => {
  test.each([
    [1, 1],
    [5, 3],
    [200, 150], // 90,150 bytes: more than one stored block
  ])('an image of %d×%d comes back from libvips as it went in', async (width, height) => {
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37 + (i >> 8)) & 255);
    const { data, info } = await sharp(encodePng(pixels, width, height), { failOn: 'warning' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([width, height, 3]);
    expect(Buffer.compare(data, Buffer.from(pixels))).toBe(0);
  });

  test('control: one changed pixel byte breaks the checksum', async () => {
    const png = Buffer.from(encodePng(new Uint8Array(12), 2, 2));
    const at = png.length - 24; // inside IDAT
    png[at] = png[at] ^ 1;
    await expect(sharp(png, { failOn: 'warning' }).raw().toBuffer()).rejects.toThrow();
  });
});
