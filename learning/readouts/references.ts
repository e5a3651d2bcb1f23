/**
 * The references of a search as operands of products, and queries beside them: one product is a squared distance less what is
 * the same for all references of the query. Knows how far off such a value is; does not know which are wanted.
 */
import {
  leftOperand,
  rightOperand,
  roundedToBf16,
  type Operand,
  type ProductPrecision,
} from '../../engine/ops/products';
import { dataOf, tf } from '../../engine/tf';
import { lengthBounds, valueError } from '../index/products';

/** References whose products are computed at once: a block of queries' stay in the caches. */
const PART = 8192;

const { ceil, max, min } = Math;

export interface Part {
  readonly start: number;
  readonly rows: number;
  /** Of rows up to a multiple: y, and ‖y‖²; what fills it up is infinitely far. */
  readonly operand: Operand;
}

export interface QueryRows {
  /** Of each query −2 x, and ones. */
  readonly operand: Operand;
  /** float64 [Q]: how far off the values of each are at most, before they are rounded to `precision`. */
  readonly errors: Float64Array;
}

interface Centred {
  /** float32 [n, E] */
  readonly rows: tf.Tensor2D;
  /** float32 [n], ‖row‖² */
  readonly squares: tf.Tensor1D;
  /** float64 [n], no less than ‖row‖ */
  readonly lengths: Float64Array;
  /** float64 [n], no less than what rounding to `precision` changes of it. */
  readonly narrowings: Float64Array;
}

/** A life cycle: holds the references as tensors until it is disposed. */
export class References {
  readonly parts: readonly Part[];
  private readonly centre: tf.Tensor1D;
  private radius = 0;
  private narrowing = 0;

  /**
   * @param references float32 [R, E]; unchanged while this lives
   * @param multiple what the rows of a part are filled up to a multiple of
   */
  constructor(
    private readonly references: Float32Array,
    private readonly embeddingSize: number,
    private readonly multiple: number,
    readonly precision: ProductPrecision,
  ) {
    const rows = references.length / embeddingSize;
    const size = multiple * ceil(rows / ceil(rows / PART) / multiple);
    const starts = Array.from({ length: ceil(rows / size) || 0 }, (_, i) => i * size);
    this.centre = tf.tidy(() => {
      const sums = starts.map((start) => this.raw(references, start, min(rows, start + size)).sum<tf.Tensor1D>(0));
      return sums.reduce((all, sum) => all.add(sum), tf.zeros<tf.Rank.R1>([embeddingSize])).div(max(1, rows));
    });
    this.parts = starts.map((start) => this.part(start, min(rows, start + size)));
  }

  /** @param queries float32 [Q, E] */
  queries(queries: Float32Array): QueryRows {
    const { embeddingSize, precision, radius } = this;
    const centred = this.centred(queries, 0, queries.length / embeddingSize);
    const { lengths, narrowings } = centred;
    const extended = tf.tidy(() => {
      const ones = tf.ones<tf.Rank.R2>([lengths.length, precision === 'bf16' ? 3 : 1]);
      return tf.concat([centred.rows.mul<tf.Tensor2D>(-2), ones], 1);
    });
    const operand = leftOperand(extended, precision);
    tf.dispose([centred.rows, centred.squares, extended]);
    const errors = lengths.map((length, i) => {
      const narrowing = precision === 'bf16' ? { own: narrowings[i], other: this.narrowing } : null;
      return valueError(length, radius, embeddingSize, narrowing);
    });
    return { operand, errors };
  }

  dispose(): void {
    tf.dispose([this.centre, ...this.parts.map(({ operand }) => operand.tensor)]);
  }

  private part(start: number, end: number): Part {
    const { embeddingSize, precision, multiple } = this;
    const centred = this.centred(this.references, start, end);
    this.radius = centred.lengths.reduce((most, length) => max(most, length), this.radius);
    this.narrowing = centred.narrowings.reduce((most, narrowing) => max(most, narrowing), this.narrowing);
    const extended = tf.tidy(() => {
      const squares = precision === 'bf16' ? inThreeParts(centred.squares) : [centred.squares];
      const full = tf.concat([centred.rows, tf.stack(squares, 1) as tf.Tensor2D], 1);
      const missing = ceil((end - start) / multiple) * multiple - (end - start);
      if (missing === 0) return full;
      const infinite = tf.fill<tf.Rank.R2>([missing, squares.length], Number.POSITIVE_INFINITY);
      return tf.concat([full, tf.concat([tf.zeros<tf.Rank.R2>([missing, embeddingSize]), infinite], 1)], 0);
    });
    const operand = rightOperand(extended, precision);
    tf.dispose([centred.rows, centred.squares, extended]);
    return { start, rows: end - start, operand };
  }

  private centred(matrix: Float32Array, begin: number, end: number): Centred {
    const { embeddingSize, precision } = this;
    const rows = tf.tidy(() => this.raw(matrix, begin, end).sub<tf.Tensor2D>(this.centre));
    if (precision === 'float32') {
      const squares = squaresOf(rows.dataSync<'float32'>(), embeddingSize);
      const narrowings = new Float64Array(squares.length);
      return { rows, squares: tf.tensor1d(Float32Array.from(squares)), lengths: squares.map(Math.sqrt), narrowings };
    }
    const squares = squareSums(rows);
    const residuals = dataOf(() => squareSums(rows.sub(roundedToBf16(rows))));
    return {
      rows,
      squares,
      lengths: lengthBounds(squares.dataSync<'float32'>(), embeddingSize),
      narrowings: lengthBounds(residuals, embeddingSize),
    };
  }

  private raw(matrix: Float32Array, begin: number, end: number): tf.Tensor2D {
    const { embeddingSize } = this;
    return tf.tensor2d(matrix.subarray(begin * embeddingSize, end * embeddingSize), [end - begin, embeddingSize]);
  }
}

/** float64 [n] */
function squaresOf(rows: Float32Array, embeddingSize: number): Float64Array {
  const squares = new Float64Array(rows.length / embeddingSize);
  for (let row = 0, at = 0; row < squares.length; row++) {
    let square = 0;
    for (const end = at + embeddingSize; at < end; at++) square += rows[at] * rows[at];
    squares[row] = square;
  }
  return squares;
}

function squareSums(rows: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => rows.square().sum<tf.Tensor1D>(1));
}

/** Three bfloat16 numbers whose sum is a float32 number to its last digit. */
function inThreeParts(squares: tf.Tensor1D): tf.Tensor1D[] {
  const first = roundedToBf16(squares);
  const rest = squares.sub<tf.Tensor1D>(first);
  const second = roundedToBf16(rest);
  return [first, second, rest.sub(second)];
}
