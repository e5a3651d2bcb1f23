/**
 * The nearest centroid of each of many rows, exactly: by float32 products where they can tell, by float64 distances where
 * they cannot (products.ts).
 */
import { dataOf, tf } from '../../engine/tf';
import { squaredDistance } from './distance';
import type { Points } from './k-means';
import { allRows, centredRows, meanOfRows, productError } from './products';

/** Rows whose products are computed at once. */
const CHUNK = 16_384;
const { POSITIVE_INFINITY } = Number;
const { max, sqrt } = Math;

interface Chunk {
  readonly start: number;
  readonly rows: number;
  readonly tensor: tf.Tensor2D;
}

/** A life cycle: holds the rows as tensors until it is disposed. */
export class NearestCentroids {
  private readonly centre: Float64Array;
  /** ‖r'‖ of each row, relative to the centre. */
  private readonly lengths: Float64Array;
  private readonly chunks: readonly Chunk[];

  constructor(private readonly points: Points) {
    this.centre = meanOfRows(points.embeddings, points.embeddingSize, points.rows);
    this.lengths = new Float64Array(points.rows.length);
    this.chunks = Array.from({ length: Math.ceil(points.rows.length / CHUNK) }, (_, i) => this.upload(i * CHUNK));
  }

  /**
   * @param centroids float64 [k, E]
   * @returns int32 [n]; ties to the first
   */
  of(centroids: Float64Array): Int32Array {
    const { points, lengths } = this;
    const { embeddingSize } = points;
    const k = centroids.length / embeddingSize;
    const assignments = new Int32Array(points.rows.length);
    if (k === 1) return assignments;
    const { values, squares } = centredRows(centroids, this.centre, allRows(k));
    const radius = sqrt(squares.reduce((most, square) => max(most, square), 0));
    const right = tf.tensor2d(values, [k, embeddingSize]);
    for (const { start, rows, tensor } of this.chunks) {
      const products = dataOf(() => tf.matMul(tensor, right, false, true));
      for (let i = 0, at = 0; i < rows; i++) {
        let nearest = 0;
        let least = POSITIVE_INFINITY;
        let second = POSITIVE_INFINITY;
        for (let cluster = 0; cluster < k; cluster++, at++) {
          const value = squares[cluster] - 2 * products[at];
          if (value < least) {
            second = least;
            least = value;
            nearest = cluster;
          } else if (value < second) second = value;
        }
        const row = start + i;
        const isClear = second - least > 2 * productError(lengths[row], radius, embeddingSize);
        assignments[row] = isClear ? nearest : this.exactly(row, centroids, k);
      }
    }
    right.dispose();
    return assignments;
  }

  dispose(): void {
    tf.dispose(this.chunks.map(({ tensor }) => tensor));
  }

  private exactly(row: number, centroids: Float64Array, k: number): number {
    const { embeddings, embeddingSize, rows } = this.points;
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

  private upload(start: number): Chunk {
    const { embeddings, embeddingSize, rows } = this.points;
    const own = rows.subarray(start, start + CHUNK);
    const { values, squares } = centredRows(embeddings, this.centre, own);
    this.lengths.set(squares.map(sqrt), start);
    return { start, rows: own.length, tensor: tf.tensor2d(values, [own.length, embeddingSize]) };
  }
}
