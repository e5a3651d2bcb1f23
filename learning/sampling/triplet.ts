/**
 * Batches for the triplet loss: an anchor, a positive uniform among its class, a negative uniform among the nearest
 * fraction f of the other classes' training examples by the last refresh's embeddings (METHOD §4; Table 1 calls f the
 * nearest impostor fraction). Rows triplet by triplet: anchor, positive, negative.
 *
 * A step costs the same however large the training set: of more than 4,096 rows, a negative is sought among 4,096 that
 * stand for them, others for each anchor.
 */
import type { TripletOptions } from '../../config/objective';
import { LodestoneError } from '../../errors';
import { squaredDistance } from '../index/distance';
import type { EmbeddingIndex } from '../index/run-index';
import { rngFor, type Rng } from '../random';
import { classesOf, type TrainingData } from '../training-data';
import type { Batch, Sampler } from './sampler';

/** Rows among which a negative is sought. */
const SOUGHT = 4096;

const { floor, max, min } = Math;
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
  const placeInClass = Int32Array.from(classes, (classId, row) => rowsOfClass[classId].push(row) - 1);
  const anchors = data.train.map((_, row) => row).filter((row) => rowsOfClass[classes[row]].length > 1);
  if (anchors.length === 0 || rowsOfClass.filter((rows) => rows.length > 0).length < 2) {
    throw new LodestoneError(
      'DataRejected',
      `data: got ${data.train.length} training examples without two of one class and one of another; a triplet needs ` +
        'them. Give at least two classes of two images each.',
    );
  }

  const order = shuffledRows(classes.length, rngFor(seed, 'triplet impostors'));
  const impostors = new ImpostorSearch(index, classes);

  const positiveOf = (anchor: number, rng: Rng): number => {
    const rows = rowsOfClass[classes[anchor]];
    const drawn = rng.nextInt(rows.length - 1);
    return rows[drawn < placeInClass[anchor] ? drawn : drawn + 1];
  };

  return {
    draw(epoch: number, step: number): Batch {
      const rng = rngFor(seed, 'triplet batch', epoch, step);
      const trainRows: number[] = [];
      for (let i = 0; i < triplets; i++) {
        const anchor = anchors[rng.nextInt(anchors.length)];
        const positive = positiveOf(anchor, rng);
        const sought = soughtRows(order, rng);
        trainRows.push(anchor, positive, impostors.draw(anchor, sought, impostorFraction, rng));
      }
      const examples = trainRows.map((row) => data.train[row]);
      return { examples, trainRows, clusterClass: null, examplesPerCluster: null };
    },
    record: () => {},
    state: () => null,
    restore: () => {},
  };
}

/** Draws negatives; holds the memory that the search of each anchor works in. */
export class ImpostorSearch {
  private readonly distances: Float64Array;
  private readonly rows: Int32Array;

  constructor(
    private readonly index: EmbeddingIndex,
    private readonly classes: Int32Array,
  ) {
    this.distances = new Float64Array(classes.length);
    this.rows = new Int32Array(min(classes.length, SOUGHT));
  }

  /**
   * A row uniform among the nearest fraction of those sought that are of another class, of at least one; ties by row.
   * Where none of them is of another class, among the nearest of all rows.
   */
  draw(anchor: number, sought: Int32Array, fraction: number, rng: Rng): number {
    const others = this.measure(anchor, sought);
    if (others.length === 0) return this.draw(anchor, Int32Array.from(this.classes.keys()), fraction, rng);
    const rank = rng.nextInt(max(1, floor(fraction * others.length)));
    return selectRank(others, this.distances, rank);
  }

  private measure(anchor: number, sought: Int32Array): Int32Array {
    const { classes, distances } = this;
    const { embeddings, embeddingSize } = this.index;
    const rows = sought.length <= this.rows.length ? this.rows : new Int32Array(sought.length);
    let count = 0;
    for (let i = 0; i < sought.length; i++) {
      const row = sought[i];
      if (classes[row] === classes[anchor]) continue;
      distances[row] = squaredDistance(embeddings, anchor, embeddings, row, embeddingSize, POSITIVE_INFINITY);
      rows[count++] = row;
    }
    return rows.subarray(0, count);
  }
}

/**
 * The row that `rank` others are nearer than (Hoare's selection, expected linear time); ties by row.
 * @param rows reordered
 * @param distances by row
 */
export function selectRank(rows: Int32Array, distances: Float64Array, rank: number): number {
  const before = (a: number, b: number): boolean =>
    distances[a] < distances[b] || (distances[a] === distances[b] && a < b);
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const pivot = rows[(low + high) >> 1];
    let left = low;
    let right = high;
    while (left <= right) {
      while (before(rows[left], pivot)) left++;
      while (before(pivot, rows[right])) right--;
      if (left > right) break;
      const moved = rows[left];
      rows[left++] = rows[right];
      rows[right--] = moved;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return rows[rank];
}

/** A window, at a random place, of the shuffled rows; all of them where they are few. */
function soughtRows(order: Int32Array, rng: Rng): Int32Array {
  if (order.length <= SOUGHT) return order;
  const start = rng.nextInt(order.length);
  const tail = order.subarray(start, start + SOUGHT);
  if (tail.length === SOUGHT) return tail;
  const window = new Int32Array(SOUGHT);
  window.set(tail);
  window.set(order.subarray(0, SOUGHT - tail.length), tail.length);
  return window;
}

function shuffledRows(count: number, rng: Rng): Int32Array {
  const rows = Array.from({ length: count }, (_, row) => row);
  return Int32Array.from(count > SOUGHT ? rng.shuffle(rows) : rows);
}
