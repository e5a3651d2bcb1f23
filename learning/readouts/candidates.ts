/**
 * Candidates for the nearest references of queries: found by float32 products, proven to hold the nearest ones, in the order of
 * those distances, for the exact search to have the last word on. Does not know what is done with them.
 *
 * A distance by products is off by at most e (index/products.ts): whatever is among the nearest by exact distances is within
 * 2 e of the last of the nearest by products, and two that lie more than 2 e apart are in their exact order.
 */
import { dataOf, tf } from '../../engine/tf';
import { allRows, centredRows, meanOfRows, valueError } from '../index/products';

export interface Candidates {
  /** By `values`, ascending. */
  readonly rows: Int32Array;
  /** Squared distances to float32, less what is the same for all references of the query. */
  readonly values: Float32Array;
  /** 2 e: values that differ by more are in their exact order. */
  readonly slack: number;
}

/** References whose products are computed at once. */
const CHUNK = 65_536;
/** Queries at once, and the most products at once: 32 MB. Of fewer queries a product of many references costs more. */
const QUERIES = 512;
const PRODUCTS = 2 ** 23;
/** Of as many references as this, a sample says how near is near: each eighth. */
const SAMPLED = 1024;
const STRIDE = 8;

const { POSITIVE_INFINITY } = Number;
const { ceil, floor, fround, max, min, sqrt } = Math;

interface Chunk {
  readonly start: number;
  readonly rows: number;
  /** float32 [rows, E + 2]: y, and ‖y‖² in two parts. */
  readonly tensor: tf.Tensor2D;
}

/** A life cycle: holds the references as tensors until it is disposed. */
export class CandidateSearch {
  /** Queries that `candidates` takes at once. */
  readonly block: number;
  private readonly centre: Float64Array;
  private readonly chunks: readonly Chunk[];
  private readonly radius: number;

  /** @param references float32 [R, E] */
  constructor(
    references: Float32Array,
    private readonly embeddingSize: number,
  ) {
    const rows = references.length / embeddingSize;
    this.centre = meanOfRows(references, embeddingSize, allRows(rows));
    let longest = 0;
    this.chunks = Array.from({ length: ceil(rows / CHUNK) }, (_, i) => {
      const start = i * CHUNK;
      const own = allRows(min(CHUNK, rows - start)).map((row) => start + row);
      const { values, squares } = centredRows(references, this.centre, own);
      longest = squares.reduce((most, square) => max(most, square), longest);
      const parts = squares.map(fround);
      const width = embeddingSize + 2;
      const extended = new Float32Array(own.length * width);
      for (let row = 0; row < own.length; row++) {
        extended.set(values.subarray(row * embeddingSize, (row + 1) * embeddingSize), row * width);
        extended[row * width + embeddingSize] = parts[row];
        extended[row * width + embeddingSize + 1] = squares[row] - parts[row];
      }
      return { start, rows: own.length, tensor: tf.tensor2d(extended, [own.length, width]) };
    });
    this.radius = sqrt(longest);
    this.block = max(1, min(QUERIES, floor(PRODUCTS / max(1, min(rows, CHUNK)))));
  }

  /**
   * @param queries float32 [Q, E], Q at most `block`
   * @param self the row that is each query itself and no candidate; −1: none
   */
  candidates(queries: Float32Array, count: number, self: (query: number) => number): Candidates[] {
    const { embeddingSize } = this;
    const amount = queries.length / embeddingSize;
    const { values, squares } = centredRows(queries, this.centre, allRows(amount));
    const nearest = Array.from(squares, (square, query) => {
      const slack = 2 * valueError(sqrt(square), this.radius, embeddingSize);
      return new Nearest(count, slack, self(query));
    });
    const left = tf.tidy(() => {
      const rows = tf.tensor2d(values, [amount, embeddingSize]);
      return tf.concat([rows.mul<tf.Tensor2D>(-2), tf.ones<tf.Rank.R2>([amount, 2])], 1);
    });
    for (const { start, rows, tensor } of this.chunks) {
      const distances = dataOf(() => tf.matMul(left, tensor, false, true));
      for (let query = 0; query < amount; query++)
        nearest[query].see(distances.subarray(query * rows, (query + 1) * rows), start);
    }
    left.dispose();
    return nearest;
  }

  dispose(): void {
    tf.dispose(this.chunks.map(({ tensor }) => tensor));
  }
}

/** The rows seen so far that may be among the nearest of one query: those within `slack` of the count-th smallest value. */
class Nearest implements Candidates {
  rows = new Int32Array(0);
  values = new Float32Array(0);
  private limit = POSITIVE_INFINITY;

  constructor(
    private readonly count: number,
    readonly slack: number,
    private readonly self: number,
  ) {}

  see(seen: Float32Array, start: number): void {
    if (this.rows.length >= this.count || seen.length < SAMPLED) {
      this.take(seen, start, this.limit);
      return;
    }
    // Of the nearest `count` the sample holds about count / STRIDE; some more, so that they are rarely too few.
    const expected = this.count / STRIDE;
    let rank = ceil(expected + 1.5 * sqrt(expected) + 1);
    while (!this.take(seen, start, sampleLimit(seen, rank) + this.slack)) rank *= 4;
  }

  /** Takes all up to a limit. @returns whether none beyond it can be among the nearest */
  private take(seen: Float32Array, start: number, limit: number): boolean {
    const { count, slack, self } = this;
    const held = this.rows.length;
    const { rows, values, bits, keys } = scratchFor(held + seen.length);
    rows.set(this.rows);
    values.set(this.values);
    let size = held;
    for (let i = 0; i < seen.length; i++) {
      if (seen[i] > limit) continue;
      rows[size] = start + i;
      values[size] = seen[i];
      if (start + i !== self) size++;
    }
    const whole = limit === POSITIVE_INFINITY;
    if (size < count && !whole) return false;
    const sorted = sortedPlaces(bits, keys, size);
    const last = size < count ? POSITIVE_INFINITY : values[placeOf(sorted[count - 1])] + slack;
    if (!whole && !(last <= limit)) return false;

    let kept = 0;
    while (kept < size && !(values[placeOf(sorted[kept])] > last)) kept++;
    this.rows = new Int32Array(kept);
    this.values = new Float32Array(kept);
    for (let i = 0; i < kept; i++) {
      const place = placeOf(sorted[i]);
      this.rows[i] = rows[place];
      this.values[i] = values[place];
    }
    this.limit = last;
    return true;
  }
}

/** The rank-th smallest value of each STRIDE-th; Infinity where there are not so many. */
function sampleLimit(seen: Float32Array, rank: number): number {
  if (rank > seen.length / STRIDE) return POSITIVE_INFINITY;
  const smallest = new Float64Array(rank).fill(POSITIVE_INFINITY); // ascending
  for (let i = 0; i < seen.length; i += STRIDE) {
    const value = seen[i];
    if (!(value < smallest[rank - 1])) continue;
    let hole = rank - 1;
    for (; hole > 0 && smallest[hole - 1] > value; hole--) smallest[hole] = smallest[hole - 1];
    smallest[hole] = value;
  }
  return smallest[rank - 1];
}

/** More than a search ever sorts, so that a place is the low part of a key. */
const PLACES = 2 ** 20;

interface Scratch {
  readonly rows: Int32Array;
  readonly values: Float32Array;
  /** The same memory as `values`. */
  readonly bits: Uint32Array;
  readonly keys: Float64Array;
}
let scratch: Scratch | undefined;

/** Memory that one call uses after the other. */
function scratchFor(size: number): Scratch {
  if (scratch === undefined || scratch.rows.length < size) {
    const values = new Float32Array(size);
    const bits = new Uint32Array(values.buffer);
    scratch = { rows: new Int32Array(size), values, bits, keys: new Float64Array(size) };
  }
  return scratch;
}

/**
 * Keys of the values by their size, of which `placeOf` tells the places. The bits of float32 numbers are in their
 * order once the sign is turned, so that value and place are one integer, and integers are sorted without a function.
 */
function sortedPlaces(bits: Uint32Array, keys: Float64Array, size: number): Float64Array {
  for (let place = 0; place < size; place++) {
    const word = bits[place];
    keys[place] = ((word ^ (word >>> 31 === 1 ? 0xffff_ffff : 0x8000_0000)) >>> 0) * PLACES + place;
  }
  return keys.subarray(0, size).sort();
}

/** The remainder by PLACES, which the operator takes ten times as long for. */
function placeOf(key: number): number {
  return key - floor(key / PLACES) * PLACES;
}
