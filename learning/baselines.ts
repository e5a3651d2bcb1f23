/**
 * What a run must beat: a guess, and the nearest training image by raw pixels. Errors are shares in [0, 1].
 */
import { dataOf, tf } from '../engine/tf';
import type { BatchSource } from './batch-source';
import { unitRows } from './readouts/neighbours';
import { spread } from './spread';
import { classesOf, type TrainingData } from './training-data';

export interface BaselineErrors {
  readonly trained: number;
  readonly fine: number | null;
}

/** Pixels a side that images are reduced to. */
const EDGE = 24;
const BATCH = 64;
/** Of larger sets so many are enough, evenly spread: all of a large training set would fill memory. */
const MOST_QUERIES = 2000;
const MOST_REFERENCES = 5000;

const { ceil, floor, max, min } = Math;

/** A guess that knows nothing of the image: each class as likely as the others. */
export function chanceErrors({ classes, fineClasses }: TrainingData): BaselineErrors {
  return { trained: 1 - 1 / classes.length, fine: fineClasses && 1 - 1 / fineClasses.length };
}

/** Steps that `rawPixelErrors` reports. */
export function rawPixelWork({ train }: TrainingData, evaluated: readonly number[]): number {
  return min(train.length, MOST_REFERENCES) + 2 * min(evaluated.length, MOST_QUERIES);
}

/**
 * Error of the label of the training image with the highest cosine of 24×24 pixels in [0, 255]; ties by path. Of larger sets
 * 2,000 queries and 5,000 training images, evenly spread.
 * @param advance awaited with the number of images read or compared since the last call
 */
export async function rawPixelErrors(
  data: TrainingData,
  evaluated: readonly number[],
  source: BatchSource,
  advance: (images: number) => Promise<void>,
): Promise<BaselineErrors> {
  const known = spread(data.train, MOST_REFERENCES);
  const asked = spread(evaluated, MOST_QUERIES);
  const references = await smallImages(known, source, advance);
  const queries = await smallImages(asked, source, advance);
  const size = references.length / known.length;
  const nearest = new Int32Array(asked.length);
  const transposed = tf.tidy(() => tf.tensor2d(references, [known.length, size]).transpose<tf.Tensor2D>());
  try {
    for (let begin = 0; begin < asked.length; begin += BATCH) {
      const count = min(BATCH, asked.length - begin);
      const block = queries.slice(begin * size, (begin + count) * size);
      const cosines = dataOf(() => tf.matMul(tf.tensor2d(block, [count, size]), transposed));
      for (let row = 0; row < count; row++) nearest[begin + row] = highest(cosines, row, known.length);
      await advance(count);
    }
  } finally {
    transposed.dispose();
  }
  const errorFor = (kind: 'trained' | 'fine'): number => {
    const trainClasses = classesOf(data, known, kind);
    const truth = classesOf(data, asked, kind);
    return truth.filter((classId, row) => trainClasses[nearest[row]] !== classId).length / truth.length;
  };
  return { trained: errorFor('trained'), fine: data.fineClasses && errorFor('fine') };
}

/** float32 [examples, edge·edge·channels], each of length 1. */
async function smallImages(
  examples: readonly number[],
  source: BatchSource,
  advance: (images: number) => Promise<void>,
): Promise<Float32Array> {
  const edge = min(EDGE, source.edge);
  const size = edge * edge * source.channels;
  const images = new Float32Array(examples.length * size);
  for (let begin = 0; begin < examples.length; begin += BATCH) {
    const batch = examples.slice(begin, begin + BATCH);
    images.set(reduced(await source.read(batch), batch.length, source, edge), begin * size);
    await advance(batch.length);
  }
  return unitRows(images, size);
}

/** Each pixel is the mean of the area that it covers. float32 [count, edge, edge, channels]. */
export function reduced(
  pixels: Uint8Array,
  count: number,
  { edge: from, channels }: Pick<BatchSource, 'edge' | 'channels'>,
  edge: number,
): Float32Array {
  const spans = areaSpans(from, edge);
  const small = new Float32Array(count * edge * edge * channels);
  let at = 0;
  for (let image = 0; image < count; image++) {
    for (const rows of spans) {
      for (const columns of spans) {
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (const { at: y, share: high } of rows) {
            for (const { at: x, share: wide } of columns) {
              sum += high * wide * pixels[((image * from + y) * from + x) * channels + channel];
            }
          }
          small[at++] = sum;
        }
      }
    }
  }
  return small;
}

interface Span {
  readonly at: number;
  readonly share: number;
}

/** For each of `to` cells along an axis: which of `from` pixels it covers, with shares that sum to 1. */
function areaSpans(from: number, to: number): Span[][] {
  return Array.from({ length: to }, (_, cell) => {
    const begin = (cell * from) / to;
    const end = ((cell + 1) * from) / to;
    const first = floor(begin);
    return Array.from({ length: min(ceil(end), from) - first }, (_unused, i) => {
      const at = first + i;
      return { at, share: ((min(end, at + 1) - max(begin, at)) * to) / from };
    });
  });
}

function highest(cosines: Float32Array, row: number, columns: number): number {
  const from = row * columns;
  let best = 0;
  for (let column = 1; column < columns; column++) if (cosines[from + column] > cosines[from + best]) best = column;
  return best;
}
