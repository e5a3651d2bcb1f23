/**
 * Batches for the triplet loss: an anchor, a positive uniform among its class, a negative uniform among the nearest
 * fraction f of the other classes' training examples by the last refresh's embeddings (METHOD §4; Table 1 calls f the
 * nearest impostor fraction). Rows triplet by triplet: anchor, positive, negative.
 */
import type { TripletOptions } from '../../config/objective';
import { LodestoneError } from '../../errors';
import { squaredDistance } from '../index/distance';
import type { EmbeddingIndex } from '../index/run-index';
import { rngFor, type Rng } from '../random';
import { classesOf, type TrainingData } from '../training-data';
import type { Batch, Sampler } from './sampler';

const { floor, max } = Math;
const { POSITIVE_INFINITY } = Number;

/** Throws DataRejected where no class has two training examples or there is one class only. */
export function tripletSampler(
  { triplets, impostorFraction }: Pick<TripletOptions, 'triplets' | 'impostorFraction'>,
  data: TrainingData,
  index: EmbeddingIndex,
  seed: number,
): Sampler {
  const classes = classesOf(data, data.train, 'trained');
  const rowsOfClass: number[][] = data.classes.map(() => []);
  classes.forEach((classId, row) => rowsOfClass[classId].push(row));
  const anchors = data.train.map((_, row) => row).filter((row) => rowsOfClass[classes[row]].length > 1);
  if (anchors.length === 0 || rowsOfClass.filter((rows) => rows.length > 0).length < 2) {
    throw new LodestoneError(
      'DataRejected',
      `data: got ${data.train.length} training examples without two of one class and one of another; a triplet needs ` +
        'them. Give at least two classes of two images each.',
    );
  }

  const positiveOf = (anchor: number, rng: Rng): number => {
    const rows = rowsOfClass[classes[anchor]];
    const drawn = rng.nextInt(rows.length - 1);
    return rows[drawn < rows.indexOf(anchor) ? drawn : drawn + 1];
  };

  return {
    draw(epoch: number, step: number): Batch {
      const rng = rngFor(seed, 'triplet batch', epoch, step);
      const trainRows: number[] = [];
      for (let i = 0; i < triplets; i++) {
        const anchor = anchors[rng.nextInt(anchors.length)];
        const impostors = nearestImpostors(index, classes, anchor, impostorFraction);
        trainRows.push(anchor, positiveOf(anchor, rng), impostors[rng.nextInt(impostors.length)]);
      }
      const examples = trainRows.map((row) => data.train[row]);
      return { examples, trainRows, clusterClass: null, examplesPerCluster: null };
    },
    record: () => {},
    state: () => null,
    restore: () => {},
  };
}

/** The nearest fraction of the rows of other classes, at least one; ties by row. O(N·E). */
export function nearestImpostors(
  { embeddings, embeddingSize }: EmbeddingIndex,
  classes: Int32Array,
  anchor: number,
  fraction: number,
): number[] {
  const rows: number[] = [];
  for (let row = 0; row < classes.length; row++) if (classes[row] !== classes[anchor]) rows.push(row);
  const distances = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    distances[i] = squaredDistance(embeddings, anchor, embeddings, rows[i], embeddingSize, POSITIVE_INFINITY);
  }
  const count = max(1, floor(fraction * rows.length));
  const farthest = distances.slice().sort()[count - 1];
  const nearer = rows.filter((_, i) => distances[i] < farthest);
  const equal = rows.filter((_, i) => distances[i] === farthest);
  return [...nearer, ...equal.slice(0, count - nearer.length)];
}
