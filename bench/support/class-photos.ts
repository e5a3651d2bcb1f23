/** Many small photos in a folder for each class: a class is a coarse pattern, an image that pattern under noise of its own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { mapInFlight } from '../../datasets/in-flight';
import { rngFor } from '../../learning/random';

export interface ClassPhotos {
  readonly images: number;
  readonly classes: number;
  /** Width and height in pixels. */
  readonly edge: number;
}

/** Pixels of a pattern, enlarged to the edge. */
const PATTERN = 12;
/** Of the class in a pixel of the pattern; the rest is the image's own. */
const OF_CLASS = 0.6;
const FILES_IN_FLIGHT = 16;

/** @param folder made; holds `class-0000/0000000.jpg` and so on, as many in one class as in another */
export async function writeClassPhotos(folder: string, { images, classes, edge }: ClassPhotos): Promise<void> {
  const folders = Array.from({ length: classes }, (_, i) => join(folder, `class-${String(i).padStart(4, '0')}`));
  for (const one of folders) await mkdir(one, { recursive: true });
  const patterns = folders.map((_, i) => noise(rngFor(i, 'bench class pattern')));
  const numbers = Array.from({ length: images }, (_, i) => i);
  await mapInFlight(numbers, FILES_IN_FLIGHT, async (number) => {
    const [pattern, own] = [patterns[number % classes], noise(rngFor(number, 'bench class photo'))];
    const pixels = Uint8Array.from(own, (value, i) => OF_CLASS * pattern[i] + (1 - OF_CLASS) * value);
    const jpeg = await sharp(pixels, { raw: { width: PATTERN, height: PATTERN, channels: 3 } })
      .resize(edge, edge, { kernel: 'cubic' })
      .jpeg({ quality: 85 })
      .toBuffer();
    await writeFile(join(folders[number % classes], `${String(number).padStart(7, '0')}.jpg`), jpeg);
  });
}

function noise(rng: ReturnType<typeof rngFor>): Uint8Array {
  return Uint8Array.from({ length: PATTERN * PATTERN * 3 }, () => rng.nextInt(256));
}
