import { createHash } from 'node:crypto';
import { speciesDefaults } from './defaults';
import { encodePng } from '../../../datasets/procedural/png';
import {
  generateSpecies,
  textures,
  type SpeciesImage,
  type SpeciesOptions,
} from '../../../datasets/procedural/species';

const small: SpeciesOptions = {
  ...speciesDefaults,
  coarseClasses: 2,
  speciesPerClass: 3,
  imagesPerSpecies: 20,
  size: 24,
};
// Frozen on the generator's first day (Node 20, x64), before any objective was trained on the set.
const GOLDEN_SMALL = '280544a9b3fa040a540365c601964dffcb26d7ccfdcb24acb0cfe1c0f2ca4f90';
const all = (options: SpeciesOptions): SpeciesImage[] => [...generateSpecies(options)];

function digest(images: Iterable<SpeciesImage>, size: number): string {
  const hash = createHash('sha256');
  for (const { path, split, texture, pixels } of images)
    hash.update(`${path} ${split} ${texture}\n`).update(encodePng(pixels, size, size));
  return hash.digest('hex');
}

describe('generateSpecies', () => {
  test('golden, G2: the bytes of a small set are frozen; recipes and results name them', () => {
    expect(digest(generateSpecies(small), small.size)).toBe(GOLDEN_SMALL);
  });

  test('another seed gives other pictures', () => {
    expect(digest(generateSpecies({ ...small, seed: 1 }), small.size)).not.toBe(GOLDEN_SMALL);
  });

  test('G1: more classes and more images change no image that was there', () => {
    const pixelsOf = (images: SpeciesImage[]): Map<string, string> =>
      new Map(
        images.map(({ fine, path, pixels }) => [
          `${fine}/${path.split('/').at(-1) ?? ''}`,
          Buffer.from(pixels).toString('base64'),
        ]),
      );
    const larger = pixelsOf(all({ ...small, coarseClasses: 3, imagesPerSpecies: 22 }));
    for (const [name, pixels] of pixelsOf(all(small))) expect(larger.get(name)).toBe(pixels);
  });

  test('half of each species is for training, 15 % for validation, the rest for the test', () => {
    const counts = new Map<string, number>();
    for (const { fine, split } of all(small)) counts.set(`${fine} ${split}`, (counts.get(`${fine} ${split}`) ?? 0) + 1);
    for (let species = 1; species <= 6; species++) {
      const of = (split: string): number => counts.get(`species-00${species} ${split}`) ?? 0;
      expect([of('train'), of('validation'), of('test')]).toEqual([10, 3, 7]);
    }
  });

  test('each species belongs to one coarse class and has one texture; textures cross the coarse classes', () => {
    const images = all({ ...small, ...{ speciesPerClass: 16, imagesPerSpecies: 1, size: 8 } });
    const coarseOf = new Map(images.map(({ fine, coarse }) => [fine, coarse]));
    expect(coarseOf.size).toBe(32);
    for (const { fine, coarse } of images) expect(coarseOf.get(fine)).toBe(coarse);
    const crossing = textures.filter(
      (texture) => new Set(images.filter((image) => image.texture === texture).map(({ coarse }) => coarse)).size === 2,
    );
    expect(crossing.length).toBeGreaterThanOrEqual(4);
  });
});

describe('difficulty of the default set, by the nearest neighbour on raw pixels', () => {
  // The promise of the set: species hard to tell by pixels (60 % errors or more), coarse classes neither trivial nor hopeless
  // (25 to 60 %). Every eighth test image is asked, so the estimate has a standard deviation of about 3 points.
  test.each([0, 1, 2])(
    'seed %d: species err on 60 % or more, coarse classes on 25 to 60 %',
    (seed) => {
      const images = all({ ...speciesDefaults, seed }).map((image) => ({
        ...image,
        unit: unitVector(image.pixels, speciesDefaults.size),
      }));
      const known = images.filter(({ split }) => split !== 'test');
      const asked = images.filter(({ split }) => split === 'test').filter((_, i) => i % 8 === 0);
      const errors = { fine: 0, coarse: 0 };
      for (const image of asked) {
        const nearest = nearestOf(image.unit, known);
        if (nearest.fine !== image.fine) errors.fine++;
        if (nearest.coarse !== image.coarse) errors.coarse++;
      }
      expect(errors.fine / asked.length).toBeGreaterThanOrEqual(0.6);
      expect(errors.coarse / asked.length).toBeGreaterThanOrEqual(0.25);
      expect(errors.coarse / asked.length).toBeLessThanOrEqual(0.6);
    },
    60_000,
  );
});

const { floor, sqrt } = Math; // bound once: see learning/random.ts

/** Half-size pixels as a unit vector, so that the dot product is the cosine. */
function unitVector(pixels: Uint8Array, size: number): Float32Array {
  const half = size / 2;
  const vector = new Float32Array(half * half * 3);
  pixels.forEach((value, i) => {
    const pixel = floor(i / 3);
    const at = ((floor(pixel / size) >> 1) * half + ((pixel % size) >> 1)) * 3 + (i % 3);
    vector[at] = vector[at] + value;
  });
  const length = sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / length);
}

function nearestOf<T extends { unit: Float32Array }>(query: Float32Array, known: readonly T[]): T {
  let best = known[0];
  let bestCosine = -1;
  for (const candidate of known) {
    const { unit } = candidate;
    let cosine = 0;
    for (let i = 0; i < unit.length; i++) cosine += unit[i] * query[i];
    if (cosine > bestCosine) {
      bestCosine = cosine;
      best = candidate;
    }
  }
  return best;
}
