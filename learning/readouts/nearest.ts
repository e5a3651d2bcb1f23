/**
 * Of one query the rows seen so far that may be among its nearest: those whose values lie within their errors of the count-th
 * smallest value. Knows values and how far off they are; does not know how they are come by.
 */
import type { BlockTable, OpenedBlocks } from './block-table';
import { rankSmallest, sortedPlaces, type Sorting } from './selection';

export interface Candidates {
  /** By `values`, ascending; the receiver's. */
  readonly rows: Int32Array;
  /** Squared distances by products, less what is the same for all references of the query. */
  readonly values: Float32Array;
  /** 2 e: values that differ by more are in their exact order. Infinite: the order says nothing. */
  readonly slack: number;
}

export interface NearestOptions {
  readonly count: number;
  /** How far off values are. */
  readonly error: number;
  /** Whether they are rounded to bfloat16. */
  readonly isNarrow: boolean;
  readonly self: number;
  readonly arena: Arena;
}

const { POSITIVE_INFINITY } = Number;
const { max, min } = Math;

const NO_ROWS = new Int32Array(0);
const NO_VALUES = new Float32Array(0);

/** Arrays for the rows of many queries, cut out of few: small ones of its own for each would cost more than filling them. */
export class Arena {
  private rows: Int32Array;
  private values: Float32Array;
  private used = 0;

  constructor(size: number) {
    this.rows = new Int32Array(size);
    this.values = new Float32Array(size);
  }

  take(size: number): { readonly rows: Int32Array; readonly values: Float32Array } {
    if (this.used + size > this.rows.length) {
      const next = max(size, this.rows.length);
      this.rows = new Int32Array(next);
      this.values = new Float32Array(next);
      this.used = 0;
    }
    const begin = this.used;
    this.used += size;
    return { rows: this.rows.subarray(begin, this.used), values: this.values.subarray(begin, this.used) };
  }
}

/** A life cycle: sees one part of the references after the other. */
export class Nearest implements Candidates {
  rows: Int32Array = NO_ROWS;
  values: Float32Array = NO_VALUES;
  private readonly count: number;
  private readonly error: number;
  private readonly isNarrow: boolean;
  private readonly self: number;
  private readonly arena: Arena;
  private limit = POSITIVE_INFINITY;

  constructor({ count, error, isNarrow, self, arena }: NearestOptions) {
    this.count = count;
    this.error = error;
    this.isNarrow = isNarrow;
    this.self = self;
    this.arena = arena;
  }

  get slack(): number {
    return this.isNarrow ? POSITIVE_INFINITY : 2 * this.error;
  }

  /** No value beyond it is of a reference among the nearest. */
  limitAmong(tables: readonly BlockTable[], query: number): number {
    const rank = this.self < 0 ? this.count : this.count + 1; // one of the blocks may hold nothing else so near
    const size = tables.reduce((sum, { coarseBlocks }) => sum + coarseBlocks, 0);
    if (size < rank || this.error === POSITIVE_INFINITY) return this.limit;
    const { values } = scratchFor(size);
    let at = 0;
    for (const table of tables) {
      values.set(table.coarseMinima(query), at);
      at += table.coarseBlocks;
    }
    return min(this.limit, this.reach(rankSmallest(values, size, rank)));
  }

  take(opened: readonly OpenedBlocks[], query: number, limit: number): void {
    const held = this.rows.length;
    const most = opened.reduce((sum, { first, width }) => sum + (first[query + 1] - first[query]) * width, held);
    const memory = scratchFor(most);
    const { rows, values } = memory;
    rows.set(this.rows);
    values.set(this.values);
    let size = held;
    for (const { part, width, first, blocks, values: seen } of opened) {
      for (let block = first[query], from = block * width; block < first[query + 1]; block++, from += width) {
        const begin = blocks[block] * width;
        const end = min(width, part.rows - begin);
        for (let i = 0; i < end; i++) {
          const value = seen[from + i];
          if (value > limit) continue;
          const row = part.start + begin + i;
          rows[size] = row;
          values[size] = value;
          if (row !== this.self) size++;
        }
      }
    }
    this.keep(rows, values, sortedPlaces(memory, size));
  }

  private keep(rows: Int32Array, values: Float32Array, sorted: Int32Array): void {
    const { count } = this;
    const last = sorted.length < count ? POSITIVE_INFINITY : this.reach(values[sorted[count - 1]]);
    let kept = 0;
    while (kept < sorted.length && !(values[sorted[kept]] > last)) kept++;
    const place = this.arena.take(kept);
    this.rows = place.rows;
    this.values = place.values;
    for (let i = 0; i < kept; i++) {
      this.rows[i] = rows[sorted[i]];
      this.values[i] = values[sorted[i]];
    }
    this.limit = last;
  }

  /** The largest value of a reference that may be nearer than one of this value. */
  private reach(value: number): number {
    if (!this.isNarrow) return value + 2 * this.error;
    return roundedUp(roundedUp(value) + 2 * this.error);
  }
}

/** Half a unit in the last place of bfloat16, of 8 binary digits, and a little more. */
const BF16_ROUNDOFF = 2 ** -8 * (1 + 2 ** -6);

/** No less than any number that bfloat16 rounds to the same, nor than what bfloat16 rounds it to. */
function roundedUp(value: number): number {
  return value + Math.abs(value) * BF16_ROUNDOFF + 2 ** -126;
}

interface Scratch extends Sorting {
  readonly rows: Int32Array;
}
let scratch: Scratch | undefined;

/** Memory that one call uses after the other. */
function scratchFor(size: number): Scratch {
  if (scratch === undefined || scratch.rows.length < size) {
    const values = new Float32Array(size);
    const bits = new Uint32Array(values.buffer);
    const [rows, places] = [new Int32Array(size), new Int32Array(size)];
    scratch = { rows, values, bits, places, keys: new Float64Array(size) };
  }
  return scratch;
}
