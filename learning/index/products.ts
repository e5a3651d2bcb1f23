/**
 * What distances by float32 products rest on: rows relative to a centre, so that a common offset costs no digits, and how far
 * off such a distance can be.
 *
 * ‖x − y‖² = ‖x'‖² + ‖y'‖² − 2 x'·y' with x', y' relative to the centre and rounded to float32. Squared lengths are float64;
 * the product is off by at most γ ‖x'‖ ‖y'‖ for any order of summation and operands rounded once, γ = (E + 2) u' / (1 − (E + 2) u')
 * (Higham, Accuracy and Stability of Numerical Algorithms, §3.1); the rounding of x' and y' adds 3 u (‖x'‖ + ‖y'‖)² at most,
 * underflow 4 E times the smallest normal number. Beyond float32's range nothing is promised: the error is infinite.
 */
import { matMulRoundoff } from '../../engine/precision';

export interface CentredRows {
  /** float32 [n, E] */
  readonly values: Float32Array;
  /** float64 [n], of the rounded values. */
  readonly squares: Float64Array;
}

type Matrix = Float32Array | Float64Array;

/** Roundoff of float32. */
const U = 2 ** -24;
/** The smallest normal number of float32; products below may become 0. */
const SMALLEST = 2 ** -126;
/** Lengths whose products stay far inside float32. */
const LARGEST = 2 ** 60;

/** float64 [E], the mean of some rows of [N, E]. */
export function meanOfRows(matrix: Matrix, embeddingSize: number, rows: Int32Array): Float64Array {
  const mean = new Float64Array(embeddingSize);
  for (const row of rows) for (let e = 0, at = row * embeddingSize; e < embeddingSize; e++, at++) mean[e] += matrix[at];
  return mean.map((sum) => sum / rows.length);
}

export function centredRows(matrix: Matrix, centre: Float64Array, rows: Int32Array): CentredRows {
  const size = centre.length;
  const values = new Float32Array(rows.length * size);
  const squares = new Float64Array(rows.length);
  for (let i = 0, to = 0; i < rows.length; i++) {
    let square = 0;
    for (let e = 0, at = rows[i] * size; e < size; e++, at++, to++) {
      const value = Math.fround(matrix[at] - centre[e]);
      values[to] = value;
      square += value * value;
    }
    squares[i] = square;
  }
  return { values, squares };
}

/** How far off a squared distance by products is at most, of rows with these lengths. */
export function productError(length: number, other: number, embeddingSize: number): number {
  const terms = (embeddingSize + 2) * matMulRoundoff();
  const scale = length + other;
  if (!(terms < 0.5 && scale < LARGEST)) return Number.POSITIVE_INFINITY;
  return (2 * terms * length * other) / (1 - terms) + 3 * U * scale ** 2 + 4 * embeddingSize * SMALLEST * (1 + scale);
}

/**
 * How far off a squared distance less ‖x‖² is at most, where it is one product of E + 2 terms: −2 x'·y' and ‖y'‖² in two parts.
 */
export function valueError(length: number, other: number, embeddingSize: number): number {
  const terms = (embeddingSize + 4) * matMulRoundoff();
  const scale = length + other;
  if (!(terms < 0.5 && scale < LARGEST)) return Number.POSITIVE_INFINITY;
  const size = 2 * length * other + (1 + 2 * U) * other ** 2;
  return (terms * size) / (1 - terms) + 4 * U * scale ** 2 + 4 * (embeddingSize + 2) * SMALLEST * (1 + scale);
}

/** 0 … n − 1 */
export function allRows(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, row) => row);
}
