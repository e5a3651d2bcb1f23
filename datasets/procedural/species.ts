/**
 * The procedural set of the demo: photos of invented creatures whose species hide inside coarse classes.
 * A species (fine class) is an outline, a texture and a two-colour coat; a coarse class is a random union of species; the
 * kind of texture is an attribute that crosses both. Pose, scale, light, background, blobs and noise are mild nuisances:
 * only what belongs to the species is strong, or clusters would follow the nuisance instead of the species.
 * Pure: options in, images out. Knows nothing of files (folder.ts writes them).
 *
 * Invariants:
 *   G1  An image depends on (options.seed, its species, its place, size) alone: more classes or images change no other image.
 *   G2  The bytes are the same on every platform: arithmetic.ts and learning/random.ts only.
 */
import type { DataSource } from '../../config/workflow-input';
import { rngFor, type Rng } from '../../learning/random';
import { between, clamp, cosine, fallingLogistic, hsvToRgb, sine, type Colour } from './arithmetic';
import { newGround } from './ground';

/** Raised when the same options give other pictures, so that a folder of an older drawing is not taken for this one. */
export const SPECIES_VERSION = 1;

/** See the workflow input's data source of type `species`, where the defaults are. */
export type SpeciesOptions = Omit<Extract<DataSource, { type: 'species' }>, 'type'>;

export const textures = ['eye', 'stripes', 'bands', 'dots', 'rings', 'checks'] as const;
export type Texture = (typeof textures)[number];

export interface SpeciesImage {
  /** Relative, with '/': `images/<coarse>/<fine>/<place>.png`. */
  readonly path: string;
  readonly split: 'train' | 'validation' | 'test';
  readonly coarse: string;
  readonly fine: string;
  readonly texture: Texture;
  /** RGB, uint8 [size, size, 3]. */
  readonly pixels: Uint8Array;
}

/** All images, species by species; each is drawn when it is asked for. */
export function* generateSpecies(options: SpeciesOptions): Generator<SpeciesImage, void, undefined> {
  for (let number = 0; number < options.coarseClasses * options.speciesPerClass; number++) {
    const species = newSpecies(rngFor(options.seed, 'species', number));
    const coarse = `clan-${Math.floor(number / options.speciesPerClass) + 1}`;
    const fine = `species-${String(number + 1).padStart(3, '0')}`;
    for (let place = 0; place < options.imagesPerSpecies; place++) {
      yield {
        path: `images/${coarse}/${fine}/${String(place + 1).padStart(4, '0')}.png`,
        split: splitOf(place, options.imagesPerSpecies),
        coarse,
        fine,
        texture: species.texture,
        pixels: drawPicture(species, rngFor(options.seed, 'picture', number, place), options.size),
      };
    }
  }
}

interface Species {
  /** Amplitude and phase of harmonics 2 to 6 of the outline's radius. */
  readonly outline: readonly { readonly amplitude: number; readonly phase: number }[];
  readonly texture: Texture;
  readonly frequency: number;
  readonly hue1: number;
  readonly hue2: number;
  readonly saturation: number;
  readonly value1: number;
  readonly value2: number;
}

/** Bound once: see learning/random.ts. */
const { floor, sqrt, PI } = Math;

const HARMONIC_AMPLITUDES = [0.22, 0.2, 0.17, 0.14, 0.1]; // of harmonics 2, 3, 4, 5, 6
const HUES = 6;
const TURN = PI / 3; // a creature is turned by up to this, either way
const COLOUR_JITTER = 0.03;
const NOISE = 0.03; // standard deviation, of the range [0, 1]

/** Half for training, 15 % for validation, the rest for the test, within each species. */
function splitOf(place: number, images: number): SpeciesImage['split'] {
  if (place < floor(images * 0.5)) return 'train';
  return place < floor(images * 0.65) ? 'validation' : 'test';
}

function newSpecies(rng: Rng): Species {
  return {
    outline: HARMONIC_AMPLITUDES.map((most) => ({
      amplitude: between(rng, -1, 1) * most,
      phase: between(rng, 0, 6.28),
    })),
    texture: textures[rng.nextInt(textures.length)],
    frequency: between(rng, 7, 11),
    hue1: rng.nextInt(HUES) / HUES,
    hue2: rng.nextInt(HUES) / HUES,
    saturation: between(rng, 0.45, 0.95),
    value1: between(rng, 0.6, 1),
    value2: between(rng, 0.25, 0.6),
  };
}

/** Everything that differs between two pictures of one species, noise excepted. */
interface Pose {
  readonly cos: number;
  readonly sin: number;
  readonly scale: number;
  readonly aspect: number;
  readonly x: number;
  readonly y: number;
  readonly offset1: number;
  readonly offset2: number;
}

function newPose(rng: Rng): Pose {
  const turn = between(rng, -TURN, TURN);
  return {
    cos: cosine(turn),
    sin: sine(turn),
    scale: between(rng, 0.5, 0.85),
    aspect: between(rng, 0.8, 1.25),
    x: between(rng, -0.2, 0.2),
    y: between(rng, -0.2, 0.2),
    offset1: between(rng, 0, 6),
    offset2: between(rng, 0, 6),
  };
}

/** The picture is drawn at twice the size, then averaged down and sprinkled with noise. */
function drawPicture(species: Species, rng: Rng, size: number): Uint8Array {
  const pose = newPose(rng);
  const light = between(rng, 0.65, 1.1);
  const coat1 = lit(
    hsvToRgb(
      species.hue1 + between(rng, -COLOUR_JITTER, COLOUR_JITTER),
      clamp(species.saturation + between(rng, -0.15, 0.15), 0, 1),
      species.value1,
    ),
    light,
  );
  const coat2 = lit(hsvToRgb(species.hue2 + between(rng, -COLOUR_JITTER, COLOUR_JITTER), 0.6, species.value2), light);
  const ground = newGround(rng);

  const drawn = 2 * size;
  const sums = new Float64Array(size * size * 3);
  const radiusAt = outlineRadius(species);
  const patternAt = texturePattern(species, pose);
  for (let row = 0; row < drawn; row++) {
    const y = (row / (drawn - 1)) * 2 - 1;
    for (let column = 0; column < drawn; column++) {
      const x = (column / (drawn - 1)) * 2 - 1;
      const u0 = (x - pose.x) / pose.scale;
      const v0 = (y - pose.y) / pose.scale / pose.aspect;
      const u = pose.cos * u0 + pose.sin * v0;
      const v = -pose.sin * u0 + pose.cos * v0;
      const r = sqrt(u * u + v * v);
      const inside = r > 2 ? 0 : fallingLogistic((((r - radiusAt(u, v, r)) * drawn) / 3) * pose.scale);

      const at = ((row >> 1) * size + (column >> 1)) * 3;
      const below = inside < 1 ? ground(x, y) : coat1;
      const coat = inside > 0 && patternAt(u, v, r) ? coat2 : coat1;
      for (let channel = 0; channel < 3; channel++) {
        const value = below[channel] * (1 - inside) + coat[channel] * inside;
        sums[at + channel] = sums[at + channel] + value;
      }
    }
  }
  return toBytes(sums, rng);
}

/** The outline's radius in the direction of (u, v): 0.9 + Σ aₖ cos(kθ + pₖ), with cos kθ and sin kθ by angle addition. */
function outlineRadius(species: Species): (u: number, v: number, r: number) => number {
  const harmonics = species.outline.map(
    ({ amplitude, phase }) => [amplitude * cosine(phase), amplitude * sine(phase)] as const,
  );
  return (u, v, r) => {
    const cos = r === 0 ? 1 : u / r;
    const sin = r === 0 ? 0 : v / r;
    let cosK = cos;
    let sinK = sin;
    let radius = 0.9;
    for (const [cosPart, sinPart] of harmonics) {
      const next = cosK * cos - sinK * sin;
      sinK = sinK * cos + cosK * sin;
      cosK = next;
      radius += cosPart * cosK - sinPart * sinK;
    }
    return radius;
  };
}

/** Whether the second coat colour shows at (u, v), in the creature's own frame. */
function texturePattern(species: Species, { offset1, offset2 }: Pose): (u: number, v: number, r: number) => boolean {
  const f = species.frequency;
  switch (species.texture) {
    case 'eye':
      return (_u, _v, r) => sine(r * f * 0.5 + offset1) > 0.6;
    case 'stripes':
      return (u) => sine(u * f * 1.5 + offset1) > 0.1;
    case 'bands':
      return (_u, v) => sine(v * f * 1.5 + offset1) > 0.1;
    case 'dots':
      return (u, v) => sine(u * f + offset1) * sine(v * f + offset2) > 0.35;
    case 'rings':
      return (_u, _v, r) => sine(r * f * 1.5 + offset1) > 0.1;
    case 'checks':
      return (u, v) => sine(u * f * 0.8 + offset1) * sine(v * f * 0.8 + offset2) > 0;
  }
}

/** Averages the four drawn pixels behind each pixel, adds noise (a sum of four random bytes: nearly normal) and rounds down. */
function toBytes(sums: Float64Array, rng: Rng): Uint8Array {
  const bytes = new Uint8Array(sums.length);
  const noiseUnit = NOISE / sqrt((4 * 65_535) / 12);
  for (let i = 0; i < sums.length; i++) {
    const word = rng.nextUint32();
    const four = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
    bytes[i] = floor(clamp(sums[i] / 4 + (four - 510) * noiseUnit, 0, 1) * 255);
  }
  return bytes;
}

function lit([red, green, blue]: Colour, light: number): Colour {
  return [red * light, green * light, blue * light];
}
