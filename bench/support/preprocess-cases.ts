/** Folders of photos for the bench of preprocessing: real ones where they are there, and large ones made here. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { rngFor } from '../../learning/random';
import { projectRoot } from './record';

export type PreprocessVariant = 'pack' | 'scan-and-pack' | 'bare' | 'bare-paths';

/** What a worker is told. */
export interface PreprocessTask {
  readonly folder: string;
  readonly label: string | null;
  readonly inputSize: number;
  /** For stores that a turn fills. */
  readonly scratch: string;
}

export interface PreprocessCase {
  readonly name: string;
  readonly title: string;
  readonly label: string | null;
  readonly inputSize: number;
  /** The folder of the photos; null where they are not on this machine. */
  readonly prepare: (scratch: string) => Promise<string | null>;
}

export const preprocessCases: readonly PreprocessCase[] = [
  {
    name: 'grocery',
    title: 'The 5,421 photos of grocery, short side 128 px, to 84 px',
    label: 'fine',
    inputSize: 64,
    prepare: () => {
      const folder = resolve(projectRoot, '../shared/datasets/grocery');
      return Promise.resolve(existsSync(folder) ? folder : null);
    },
  },
  {
    name: 'large',
    title: '960 JPEGs of 1500 × 1000, made by the bench, to 292 px',
    label: null,
    inputSize: 224,
    prepare: async (scratch) => {
      const folder = join(scratch, 'large');
      // So many that a turn lasts seconds: what begins and ends it, on less than all cores, is a hundredth of it.
      for (let i = 0; i < 32; i++) await writePhotos(join(folder, `class-${i % 2}`), i, 30);
      return folder;
    },
  },
];

const WIDTH = 1500;
const HEIGHT = 1000;
/** Pixels of the picture to a pixel of the layer, and how strong the layer is: most of a photo is smooth. */
const LAYERS = [
  { scale: 100, share: 0.6 },
  { scale: 10, share: 0.25 },
  { scale: 2, share: 0.15 },
] as const;

/** Noise at several scales, which compresses and decodes about as a photo does; the same picture in some files. */
async function writePhotos(folder: string, number: number, copies: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const sum = new Float32Array(WIDTH * HEIGHT * 3);
  for (const { scale, share } of LAYERS) {
    const [width, height] = [WIDTH / scale, HEIGHT / scale];
    const rng = rngFor(number, 'bench photo', scale);
    const noise = Uint8Array.from({ length: width * height * 3 }, () => rng.nextInt(256));
    const layer = await sharp(noise, { raw: { width, height, channels: 3 } })
      .resize(WIDTH, HEIGHT, { fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer();
    for (let i = 0; i < sum.length; i++) sum[i] += share * layer[i];
  }
  const jpeg = await sharp(Uint8Array.from(sum), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
  for (let copy = 0; copy < copies; copy++) await writeFile(join(folder, `${number}-${copy}.jpg`), jpeg);
}
