/**
 * The rows that are clustered, relative to a point among them and as tensors: what all products of a K-means are computed from, made
 * once. Knows rows; does not know clusters.
 */
import { dataOf, tf } from '../../engine/tf';
import { lengthBounds, meanOfRows } from './products';
import type { RowProducts } from './seeds';

export interface Points {
  /** float32 [N, E] */
  readonly embeddings: Float32Array;
  readonly embeddingSize: number;
  /** int32 [n], the rows of `embeddings` that are clustered. */
  readonly rows: Int32Array;
}

/** Rows whose products are computed at once: those with a few hundred centroids stay in the caches. */
const CHUNK = 8192;

/** Rows whose mean is the centre: any point near the rows does. */
const CENTRED_BY = 16;

export interface Chunk {
  readonly start: number;
  readonly rows: number;
  /** float32 [rows, E] */
  readonly tensor: tf.Tensor2D;
}

/** A life cycle: holds tensors until it is disposed. */
export class CentredPoints {
  /** float64 [E], float32 numbers */
  readonly centre: Float64Array;
  readonly chunks: readonly Chunk[];
  private knownLengths: Float64Array | undefined;
  private readonly kept: tf.Tensor[] = [];

  constructor(readonly points: Points) {
    const { embeddings, embeddingSize, rows } = points;
    this.centre = meanOfRows(embeddings, embeddingSize, spreadRows(rows, CENTRED_BY)).map(Math.fround);
    const starts = Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, i) => i * CHUNK);
    this.chunks = tf.tidy(() => {
      const centre = tf.tensor1d(Float32Array.from(this.centre));
      return starts.map((start) => {
        const end = Math.min(rows.length, start + CHUNK);
        const tensor = tf.keep(rawRows(points, start, end).sub<tf.Tensor2D>(centre));
        return { start, rows: end - start, tensor };
      });
    });
  }

  /** float64 [n], no less than ‖r'‖ of each row. */
  get lengths(): Float64Array {
    this.knownLengths ??= lengthBounds(this.squares(), this.points.embeddingSize);
    return this.knownLengths;
  }

  /** The products of each row with each, computed at once. */
  allProducts(): RowProducts {
    const { length } = this.points.rows;
    const products = dataOf(() => {
      const whole = this.whole();
      return tf.matMul(whole, whole, false, true);
    });
    const squares = new Float32Array(length);
    for (let i = 0; i < length; i++) squares[i] = products[i * (length + 1)];
    this.knownLengths ??= lengthBounds(squares, this.points.embeddingSize);
    return {
      size: length,
      squares,
      of: (rows) => Array.from(rows, (row) => products.subarray(row * length, (row + 1) * length)),
    };
  }

  /** The same, computed as they are asked for. */
  someProducts(): RowProducts {
    const { length } = this.points.rows;
    const whole = this.keep(() => this.whole());
    const turned = this.keep(() => whole.transpose()); // once, else oneDNN turns it for each product
    return {
      size: length,
      squares: this.squares(),
      of: (rows) => {
        const products = dataOf(() => tf.matMul(whole.gather(tf.tensor1d(rows, 'int32')), turned));
        return Array.from(rows, (_, i) => products.subarray(i * length, (i + 1) * length));
      },
    };
  }

  dispose(): void {
    tf.dispose(this.chunks.map(({ tensor }) => tensor));
    tf.dispose(this.kept);
  }

  /** float32 [n], ‖r'‖² */
  private squares(): Float32Array {
    const squares = new Float32Array(this.points.rows.length);
    for (const { start, tensor } of this.chunks) {
      const own = dataOf(() => tensor.square().sum(1));
      squares.set(own, start);
    }
    return squares;
  }

  private keep(compute: () => tf.Tensor2D): tf.Tensor2D {
    const tensor = tf.keep(tf.tidy(compute));
    this.kept.push(tensor);
    return tensor;
  }

  /** float32 [n, E] */
  private whole(): tf.Tensor2D {
    const tensors = this.chunks.map(({ tensor }) => tensor);
    return tensors.length === 1 ? tensors[0].clone() : tf.concat(tensors, 0);
  }
}

/** At most `count` of the rows, evenly spaced over all. */
function spreadRows(rows: Int32Array, count: number): Int32Array {
  if (rows.length <= count) return rows;
  return Int32Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]);
}

/** float32 [end − begin, E]; rows that stand one after the other are not copied. */
function rawRows({ embeddings, embeddingSize, rows }: Points, begin: number, end: number): tf.Tensor2D {
  const count = end - begin;
  const shape: [number, number] = [count, embeddingSize];
  const isOneRun = rows.subarray(begin, end).every((row, i) => row === rows[begin] + i);
  if (isOneRun) {
    const from = rows[begin] * embeddingSize;
    return tf.tensor2d(embeddings.subarray(from, from + count * embeddingSize), shape);
  }
  const values = new Float32Array(count * embeddingSize);
  for (let i = 0; i < count; i++) {
    const from = rows[begin + i] * embeddingSize;
    values.set(embeddings.subarray(from, from + embeddingSize), i * embeddingSize);
  }
  return tf.tensor2d(values, shape);
}
