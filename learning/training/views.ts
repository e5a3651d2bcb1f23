/**
 * Which part of a stored image the network sees. A stored image holds all of a picture; scaling by s in [1, 1.3] and
 * cropping to the input size is the same as looking at 1/s of its edge (METHOD §4).
 * Knows crops as boxes of engine/augment.ts; does not know pixels.
 */
import { boxOfCrop, insideImage } from '../../engine/augment';
import { rngFor, type Rng } from '../random';

const MAX_SCALE = 1.3;
const CENTRE_SCALE = 1.15;

export interface ViewGeometry {
  /** Edge of a stored image, pixels. */
  readonly edge: number;
  /** Edge of what the network sees, pixels. */
  readonly inputSize: number;
}

/** float32 [count, 4]: for each image a random scale in [1, 1.3] and a random place. */
export function randomViews(count: number, geometry: ViewGeometry, rng: Rng): Float32Array {
  return boxes(count, geometry, () => randomCrop(geometry.edge, rng));
}

/** float32 [count, 4]: the centre at scale 1.15, the single test view. */
export function centreViews(count: number, geometry: ViewGeometry): Float32Array {
  const size = geometry.edge / CENTRE_SCALE;
  const margin = (geometry.edge - size) / 2;
  return boxes(count, geometry, () => ({ top: margin, left: margin, size }));
}

/** float32 [examples, 4]: view number `view` of each example, which depends on seed, view and example alone. */
export function seededViews(
  examples: readonly number[],
  geometry: ViewGeometry,
  seed: number,
  view: number,
): Float32Array {
  return boxes(examples.length, geometry, (i) =>
    randomCrop(geometry.edge, rngFor(seed, 'test view', view, examples[i])),
  );
}

type Crop = Parameters<typeof boxOfCrop>[0];

function randomCrop(edge: number, rng: Rng): Crop {
  const size = edge / (1 + (MAX_SCALE - 1) * rng.next());
  return { top: (edge - size) * rng.next(), left: (edge - size) * rng.next(), size };
}

function boxes(count: number, { edge, inputSize }: ViewGeometry, cropOf: (image: number) => Crop): Float32Array {
  const all = new Float32Array(count * 4);
  for (let i = 0; i < count; i++) all.set(boxOfCrop(cropOf(i), edge, inputSize), i * 4);
  return insideImage(all, edge, inputSize);
}
