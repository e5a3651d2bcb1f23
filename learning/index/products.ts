/**
 * What distances by float32 products rest on: rows relative to a centre, so that a common offset costs no digits, and how far
 * off such a distance can be.
 *
 * ‖x − y‖² = ‖x'‖² + ‖y'‖² − 2 x'·y' with x', y' relative to the centre and rounded to float32. Squared lengths are float64;
 * the product is off by at most ρ ‖x'‖ ‖y'‖ for any order of summation: of sums γ = n u / (1 − n u), n = E + 2 (Higham, Accuracy and
 * Stability of Numerical Algorithms, §3.1), and where the device rounds operands by t besides, ρ = (1 + t)² (1 + γ) − 1. The
 * rounding of x' and y' adds 3 u (‖x'‖ + ‖y'‖)² at most, underflow 4 E times the smallest normal number. Beyond float32's range
 * nothing is promised: the error is infinite.
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
export function meanOfRows(
  matrix: Matrix,
  embeddingSize: number,
  rows: ArrayLike<number> & Iterable<number>,
): Float64Array {
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
  const scale = length + other;
  if (!(scale < LARGEST)) return Number.POSITIVE_INFINITY;
  const product = 2 * relativeError(embeddingSize + 2) * length * other;
  return product + 3 * U * scale ** 2 + 4 * embeddingSize * SMALLEST * (1 + scale);
}

/** By how much rounding to bfloat16 changed an operand's row: ‖x' − x'_b‖, and the longest such of the other operand. */
export interface Narrowing {
  readonly own: number;
  readonly other: number;
}

/**
 * How far off a squared distance less ‖x‖² is at most, where it is one product: −2 x'·y' and ‖y'‖². Of operands rounded to
 * bfloat16 the product differs by |x'·y' − x'_b·y'_b| ≤ ‖x' − x'_b‖ ‖y'‖ + ‖x'_b‖ ‖y' − y'_b‖ (Cauchy–Schwarz); their sums may
 * round twice a term, and float32 may have summed their squares. What the result is rounded to is not part of it.
 * @param narrowing null: the operands are float32, and float64 summed their squares
 */
export function valueError(
  length: number,
  other: number,
  embeddingSize: number,
  narrowing: Narrowing | null = null,
): number {
  const { own, other: others } = narrowing ?? { own: 0, other: 0 };
  const scale = length + other + own + others;
  if (!(scale < LARGEST)) return Number.POSITIVE_INFINITY;
  const roundings = (narrowing === null ? 1 : 2) * (embeddingSize + 8);
  const narrowed = 2 * (own * other + (length + own) * others);
  const size = 2 * (length + own) * (other + others) + (narrowing === null ? 1 + U : 2) * other ** 2;
  const underflow = 8 * (embeddingSize + 4) * SMALLEST * (1 + scale);
  return 1.01 * narrowed + relativeError(roundings) * size + 4 * U * scale ** 2 + underflow;
}

/** ρ of sums with so many roundings; infinite where they are too many to say anything. */
function relativeError(roundings: number): number {
  const { sum, operand } = matMulRoundoff();
  const sums = roundings * sum;
  if (!(sums < 0.5)) return Number.POSITIVE_INFINITY;
  const operands = operand * (2 + operand);
  return operands + ((1 + operands) * sums) / (1 - sums);
}

/** float64 [n], no less than the lengths of rows whose squares float32 summed, be it as products of the device. */
export function lengthBounds(squares: Float32Array, embeddingSize: number): Float64Array {
  const { operand } = matMulRoundoff();
  const factor = (1 + 2 * (embeddingSize + 4) * U) / (1 - operand) ** 2;
  const underflow = 2 * embeddingSize * SMALLEST;
  const lengths = new Float64Array(squares.length);
  for (let i = 0; i < lengths.length; i++) lengths[i] = Math.sqrt(squares[i] * factor + underflow);
  return lengths;
}

/** 0 … n − 1 */
export function allRows(n: number): Int32Array {
  const rows = new Int32Array(n);
  for (let row = 0; row < n; row++) rows[row] = row;
  return rows;
}
