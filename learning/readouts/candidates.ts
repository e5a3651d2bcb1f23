/**
 * Candidates for the nearest references of queries: found by float32 products, proven to hold the nearest ones, for the exact
 * search to choose from. Does not know what is done with them.
 *
 * ‖q − r‖² = ‖q'‖² + ‖r'‖² − 2 q'·r' with q', r' relative to the mean of the references, so that a common offset costs no
 * digits. A computed value is off by at most e = 2 γ ‖q'‖ R + 3 u (‖q'‖ + R)², with R = max ‖r'‖ and
 * γ = (E + 2) u' / (1 − (E + 2) u'): the dot product's error for any order of summation and operands rounded once (Higham,
 * Accuracy and Stability of Numerical Algorithms, §3.1), and the rounding of q' and r'. Whatever is among the nearest by exact distances is then within 2 e of the last of the nearest by
 * computed ones.
 */
import { matMulRoundoff } from '../../engine/precision';
import { tf } from '../../engine/tf';

/** References whose products are computed at once. */
const CHUNK = 65_536;
/** Queries at once, and the most products at once: 32 MB. */
const QUERIES = 128;
const PRODUCTS = 2 ** 23;
/** Roundoff of float32. */
const U = 2 ** -24;

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
    this.centre = meanOf(references, embeddingSize);
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
    const { rows: shifted, squares } = centred(queries, this.centre, embeddingSize);
    const nearest = Array.from({ length: amount }, (_, query) => {
      const length = sqrt(squares[query]);
      return new Nearest(count, 2 * this.error(length), self(query));
    });
    const left = tf.tensor2d(shifted, [amount, embeddingSize]);
    for (const { start, rows, tensor } of this.chunks) {
      const products = tf.tidy(() => tf.matMul(left, tensor, false, true).dataSync<'float32'>());
      for (let query = 0; query < amount; query++)
        nearest[query].see(products.subarray(query * rows, (query + 1) * rows), this.squares, start);
    }
    left.dispose();
    return nearest.map((found) => found.rows());
  }

  dispose(): void {
    tf.dispose(this.chunks.map(({ tensor }) => tensor));
  }

  private error(length: number): number {
    const terms = (this.embeddingSize + 2) * matMulRoundoff();
    const gamma = terms < 0.5 ? terms / (1 - terms) : POSITIVE_INFINITY;
    return 2 * gamma * length * this.radius + 3 * U * (length + this.radius) ** 2;
  }

  private upload(references: Float32Array, start: number): Chunk {
    const { embeddingSize } = this;
    const part = references.subarray(start * embeddingSize, (start + CHUNK) * embeddingSize);
    const { rows, squares } = centred(part, this.centre, embeddingSize);
    this.squares.set(squares, start);
    return { start, rows: squares.length, tensor: tf.tensor2d(rows, [squares.length, embeddingSize]) };
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
    return Int32Array.from(this.kept.filter((_, i) => this.values[i] <= this.limit));
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

function meanOf(rows: Float32Array, embeddingSize: number): Float64Array {
  const mean = new Float64Array(embeddingSize);
  for (let from = 0; from < rows.length; from += embeddingSize)
    for (let e = 0; e < embeddingSize; e++) mean[e] += rows[from + e];
  return mean.map((sum) => sum / (rows.length / embeddingSize));
}

/** Rows minus the centre as float32, and the squared length of each as float64. */
function centred(
  rows: Float32Array,
  centre: Float64Array,
  embeddingSize: number,
): { rows: Float32Array; squares: Float64Array } {
  const shifted = new Float32Array(rows.length);
  const squares = new Float64Array(rows.length / embeddingSize);
  for (let row = 0, from = 0; row < squares.length; row++, from += embeddingSize) {
    let square = 0;
    for (let e = 0; e < embeddingSize; e++) {
      const value = Math.fround(rows[from + e] - centre[e]);
      shifted[from + e] = value;
      square += value * value;
    }
    squares[row] = square;
  }
  return { rows: shifted, squares };
}
