/**
 * The rows that are clustered, relative to their mean and as tensors: what all products of a K-means are computed from, made
 * once. Knows rows; does not know clusters.
 */
import { dataOf, tf } from '../../engine/tf';
import { centredRows, meanOfRows } from './products';

export interface Points {
  /** float32 [N, E] */
  readonly embeddings: Float32Array;
  readonly embeddingSize: number;
  /** int32 [n], the rows of `embeddings` that are clustered. */
  readonly rows: Int32Array;
}

/** Rows whose products are computed at once. */
const CHUNK = 16_384;

export interface Chunk {
  readonly start: number;
  readonly rows: number;
  /** float32 [rows, E] */
  readonly tensor: tf.Tensor2D;
}

/** A life cycle: holds tensors until it is disposed. */
export class CentredPoints {
  /** float64 [E] */
  readonly centre: Float64Array;
  /** float64 [n], ‖r'‖ of each row. */
  readonly lengths: Float64Array;
  readonly chunks: readonly Chunk[];

  constructor(readonly points: Points) {
    const { embeddings, embeddingSize, rows } = points;
    this.centre = meanOfRows(embeddings, embeddingSize, rows);
    this.lengths = new Float64Array(rows.length);
    this.chunks = Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, i) => this.upload(i * CHUNK));
  }

  /** float32 [n, n]: the product of each row with each. */
  gram(): Float32Array {
    return dataOf(() => {
      const all = tf.concat(
        this.chunks.map(({ tensor }) => tensor),
        0,
      );
      return tf.matMul(all, all, false, true);
    });
  }

  dispose(): void {
    tf.dispose(this.chunks.map(({ tensor }) => tensor));
  }

  private upload(start: number): Chunk {
    const { embeddings, embeddingSize, rows } = this.points;
    const own = rows.subarray(start, start + CHUNK);
    const { values, squares } = centredRows(embeddings, this.centre, own);
    this.lengths.set(squares.map(Math.sqrt), start);
    return { start, rows: own.length, tensor: tf.tensor2d(values, [own.length, embeddingSize]) };
  }
}
