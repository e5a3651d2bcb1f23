/**
 * The nearest centroid of each of many rows, exactly: by float32 products where they can tell, by float64 distances where
 * they cannot (products.ts).
 */
import { blockMinima, blocksOf } from '../../engine/ops/products';
import { dataOf, tf } from '../../engine/tf';
import type { CentredPoints, Chunk, Points } from './centred-points';
import { squaredDistance } from './distance';
import { allRows, centredRows, valueError } from './products';

/** Centroids of a block: of many only the least value of each block is read, and of one block all. */
const WIDTH = 8;
/** Fewer centroids than this are one block. */
const MANY = 64;

const { POSITIVE_INFINITY } = Number;
const { ceil, max, sqrt } = Math;

/** The two least values of each row, and where the least is. */
interface Least {
  /** int32 [rows] */
  readonly nearest: Int32Array;
  /** float64 [rows]: the second least value less the least. */
  readonly gaps: Float64Array;
}

/**
 * @param centroids float64 [k, E]
 * @returns int32 [n]; ties to the first
 */
export function nearestCentroids(
  { points, centre, lengths, chunks }: CentredPoints,
  centroids: Float64Array,
): Int32Array {
  const { embeddingSize } = points;
  const k = centroids.length / embeddingSize;
  const assignments = new Int32Array(points.rows.length);
  if (k === 1) return assignments;
  const { values, squares } = centredRows(centroids, centre, allRows(k));
  const radius = sqrt(squares.reduce((most, square) => max(most, square), 0));
  const isMany = k >= MANY;
  const width = isMany ? WIDTH : k;
  const columns = ceil(k / width) * width;
  const filled = new Float32Array(columns * embeddingSize);
  for (let at = 0; at < values.length; at++) filled[at] = -2 * values[at];
  const right = tf.tidy(() => {
    const rows = tf.tensor2d(filled, [columns, embeddingSize]);
    return isMany ? rows.transpose<tf.Tensor2D>() : rows; // of few, oneDNN turns them faster than an op does
  });
  const offsets = tf.tensor1d(
    Float32Array.from({ length: columns }, (_, i) => (i < k ? squares[i] : POSITIVE_INFINITY)),
  );
  const longest = lengths.reduce((most, length) => max(most, length), 0);
  const largest = 2 * valueError(longest, radius, embeddingSize);
  for (const chunk of chunks) {
    const { nearest, gaps } = leastOf(chunk, right, offsets, width);
    for (let i = 0; i < nearest.length; i++) {
      const row = chunk.start + i;
      const isClear = gaps[i] > largest || gaps[i] > 2 * valueError(lengths[row], radius, embeddingSize);
      assignments[row] = isClear ? nearest[i] : exactly(points, row, centroids, k);
    }
  }
  tf.dispose([right, offsets]);
  return assignments;
}

/**
 * @param right float32 [E, columns], −2 c; of one block [columns, E]
 * @param offsets float32 [columns], ‖c‖²
 */
function leastOf({ tensor, rows }: Chunk, right: tf.Tensor2D, offsets: tf.Tensor1D, width: number): Least {
  const columns = offsets.size;
  const isOne = width === columns;
  const table = tf.tidy(() => tf.matMul(tensor, right, false, isOne).add<tf.Tensor2D>(offsets));
  if (isOne) {
    const values = dataOf(() => table);
    return leastOfRows(values, columns, rows);
  }
  const across = leastOfRows(blockMinima(table, width), columns / width, rows);
  const blocks = across.nearest.map((block, row) => row * (columns / width) + block);
  const within = leastOfRows(blocksOf(table, width, blocks), width, rows);
  table.dispose();
  return {
    nearest: within.nearest.map((place, row) => across.nearest[row] * width + place),
    gaps: within.gaps.map((gap, row) => (across.gaps[row] < gap ? across.gaps[row] : gap)),
  };
}

function leastOfRows(values: Float32Array, columns: number, rows: number): Least {
  const nearest = new Int32Array(rows);
  const gaps = new Float64Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let place = 0;
    let least = values[at++];
    let second = POSITIVE_INFINITY;
    for (let column = 1; column < columns; column++, at++) {
      const value = values[at];
      if (value >= second) continue;
      if (value < least) {
        second = least;
        least = value;
        place = column;
      } else second = value;
    }
    nearest[row] = place;
    gaps[row] = second - least;
  }
  return { nearest, gaps };
}

function exactly({ embeddings, embeddingSize, rows }: Points, row: number, centroids: Float64Array, k: number): number {
  let nearest = 0;
  let least = POSITIVE_INFINITY;
  for (let cluster = 0; cluster < k; cluster++) {
    const found = squaredDistance(embeddings, rows[row], centroids, cluster, embeddingSize, least);
    if (found < least) {
      least = found;
      nearest = cluster;
    }
  }
  return nearest;
}
