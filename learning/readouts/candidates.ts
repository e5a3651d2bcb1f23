/**
 * Candidates for the nearest references of queries: found by float32 products, proven to hold the nearest ones, for the exact
 * search to choose from. Does not know what is done with them.
 *
 * A distance by products is off by at most e (index/products.ts): whatever is among the nearest by exact distances is within
 * 2 e of the last of the nearest by products.
 */
import { dataOf, tf } from '../../engine/tf';
import { allRows, centredRows, meanOfRows, productError } from '../index/products';

/** References whose products are computed at once. */
const CHUNK = 65_536;
/** Queries at once, and the most products at once: 32 MB. */
const QUERIES = 128;
const PRODUCTS = 2 ** 23;

const { POSITIVE_INFINITY } = Number;
const { max, min, sqrt, floor } = Math;

interface Chunk {
  readonly start: number;
  readonly rows: number;
  readonly tensor: tf.Tensor2D;
}

/** A life cycle: holds the references as tensors until it is disposed. */
export class CandidateSearch {
  /** Queries that `candidates` takes at once. */
  readonly block: number;
  private readonly centre: Float64Array;
  private readonly squares: Float64Array;
  private readonly radius: number;
  private readonly chunks: readonly Chunk[];

  /** @param references float32 [R, E] */
  constructor(
    references: Float32Array,
    private readonly embeddingSize: number,
  ) {
    const rows = references.length / embeddingSize;
    this.centre = meanOfRows(references, embeddingSize, allRows(rows));
    this.squares = new Float64Array(rows);
    this.chunks = Array.from({ length: Math.ceil(rows / CHUNK) }, (_, i) => this.upload(references, i * CHUNK));
    this.radius = sqrt(this.squares.reduce((most, square) => max(most, square), 0));
    this.block = max(1, min(QUERIES, floor(PRODUCTS / max(1, min(rows, CHUNK)))));
  }

  /**
   * For each query rows of references, ascending, among them its `count` nearest.
   * @param queries float32 [Q, E], Q at most `block`
   * @param self the row that is each query itself and no candidate; −1: none
   */
  candidates(queries: Float32Array, count: number, self: (query: number) => number): Int32Array[] {
    const { embeddingSize } = this;
    const amount = queries.length / embeddingSize;
    const { values, squares } = centredRows(queries, this.centre, allRows(amount));
    const nearest = Array.from({ length: amount }, (_, query) => {
      const error = productError(sqrt(squares[query]), this.radius, embeddingSize);
      return new Nearest(count, 2 * error, self(query));
    });
    const left = tf.tensor2d(values, [amount, embeddingSize]);
    for (const { start, rows, tensor } of this.chunks) {
      const products = dataOf(() => tf.matMul(left, tensor, false, true));
      for (let query = 0; query < amount; query++)
        nearest[query].see(products.subarray(query * rows, (query + 1) * rows), this.squares, start);
    }
    left.dispose();
    return nearest.map((found) => found.rows());
  }

  dispose(): void {
    tf.dispose(this.chunks.map(({ tensor }) => tensor));
  }

  private upload(references: Float32Array, start: number): Chunk {
    const { embeddingSize, centre } = this;
    const rows = allRows(min(CHUNK, this.squares.length - start)).map((row) => start + row);
    const { values, squares } = centredRows(references, centre, rows);
    this.squares.set(squares, start);
    return { start, rows: rows.length, tensor: tf.tensor2d(values, [rows.length, embeddingSize]) };
  }
}

/** The rows seen so far that may be among the nearest of one query: those within `slack` of the count-th smallest value. */
class Nearest {
  /** A heap whose root is the largest of the `count` smallest values. */
  private readonly smallest: Float64Array;
  private size = 0;
  private limit = POSITIVE_INFINITY;
  private readonly kept: number[] = [];
  private readonly values: number[] = [];

  constructor(
    count: number,
    private readonly slack: number,
    private readonly self: number,
  ) {
    this.smallest = new Float64Array(count);
  }

  see(products: Float32Array, squares: Float64Array, start: number): void {
    for (let i = 0; i < products.length; i++) {
      const value = squares[start + i] - 2 * products[i];
      if (value > this.limit || start + i === this.self) continue;
      this.kept.push(start + i);
      this.values.push(value);
      this.rank(value);
    }
  }

  rows(): Int32Array {
    return Int32Array.from(this.kept.filter((_, i) => !(this.values[i] > this.limit)));
  }

  private rank(value: number): void {
    const { smallest } = this;
    if (this.size < smallest.length) {
      let hole = this.size++;
      for (let parent = (hole - 1) >> 1; hole > 0 && smallest[parent] < value; parent = (hole - 1) >> 1) {
        smallest[hole] = smallest[parent];
        hole = parent;
      }
      smallest[hole] = value;
    } else if (value < smallest[0]) {
      let hole = 0;
      for (let child = 1; child < this.size; child = 2 * hole + 1) {
        if (child + 1 < this.size && smallest[child + 1] > smallest[child]) child++;
        if (smallest[child] <= value) break;
        smallest[hole] = smallest[child];
        hole = child;
      }
      smallest[hole] = value;
    } else return;
    if (this.size === smallest.length) this.limit = smallest[0] + this.slack;
  }
}
