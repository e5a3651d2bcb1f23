/** The smallest of many float32 numbers without sorting all, and a sort of few that keeps their places. */
import { LodestoneError } from '../../errors';

/** A place is the low part of a key, a value the 32 bits above it: float64 is exact for no more. */
const PLACES = 2 ** 21;

/** What is nearly in order is sorted faster by insertion, up to so many. */
const INSERTED = 512;

const { floor, max, min } = Math;

/**
 * The rank-th smallest, counted from 1, of the first `size` values, which are overwritten; none of them is NaN. Of as many
 * equal parts of the range as there are values one holds it: values that are spread out are compared with few.
 */
export function rankSmallest(values: Float32Array, size: number, rank: number): number {
  const { least, most } = rangeOf(values, size);
  if (size > INSERTED || !(most - least < Number.MAX_VALUE)) return selected(values, size, rank);
  const scale = most > least ? (size - 1) / (most - least) : 0;
  counts.fill(0, 0, size);
  for (let place = 0; place < size; place++) counts[floor((values[place] - least) * scale)]++;
  let [part, before] = [0, 0];
  while (before + counts[part] < rank) before += counts[part++];
  let held = 0;
  for (let place = 0; place < size; place++) {
    const value = values[place];
    if (floor((value - least) * scale) === part) values[held++] = value;
  }
  return selected(values, held, rank - before);
}

/** Hoare's selection, pivots by the median of three. */
function selected(values: Float32Array, size: number, rank: number): number {
  const wanted = rank - 1;
  let low = 0;
  let high = size - 1;
  while (low < high) {
    const pivot = medianOfThree(values[low], values[(low + high) >>> 1], values[high]);
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const held = values[i];
      values[i++] = values[j];
      values[j--] = held;
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else break;
  }
  return values[wanted];
}

/** Values whose order is asked for, and memory for finding it, all as long as the longest list. */
export interface Sorting {
  readonly values: Float32Array;
  /** The same memory as `values`. */
  readonly bits: Uint32Array;
  /** Overwritten. */
  readonly keys: Float64Array;
  /** Overwritten with the places of the values, ascending by value; equal values by place. */
  readonly places: Int32Array;
}

/** @returns the first `size` of the places, a view */
export function sortedPlaces(sorting: Sorting, size: number): Int32Array {
  const { values, places } = sorting;
  const { least, most } = rangeOf(values, size);
  // NaN and infinity leave no finite range.
  if (size <= INSERTED && most - least < Number.MAX_VALUE) sortByRange(values, places, size, { least, most });
  else sortByKeys(sorting, size);
  return places.subarray(0, size);
}

const counts = new Int32Array(INSERTED + 1);

interface Range {
  readonly least: number;
  readonly most: number;
}

function rangeOf(values: Float32Array, size: number): Range {
  let least = values[0];
  let most = values[0];
  for (let place = 1; place < size; place++) {
    least = min(least, values[place]);
    most = max(most, values[place]);
  }
  return { least, most };
}

/** As many equal parts of the range as there are values, counted first; then what is left is nearly in order. */
function sortByRange(values: Float32Array, places: Int32Array, size: number, { least, most }: Range): void {
  const scale = most > least ? (size - 1) / (most - least) : 0;
  counts.fill(0, 0, size + 1);
  for (let place = 0; place < size; place++) counts[floor((values[place] - least) * scale) + 1]++;
  for (let part = 1; part < size; part++) counts[part] += counts[part - 1];
  for (let place = 0; place < size; place++) places[counts[floor((values[place] - least) * scale)]++] = place;
  for (let i = 1; i < size; i++) {
    const moved = places[i];
    const value = values[moved];
    let to = i;
    for (; to > 0 && values[places[to - 1]] > value; to--) places[to] = places[to - 1];
    places[to] = moved;
  }
}

/**
 * The bits of float32 numbers are in their order once the sign is turned, so that value and place are one integer, and
 * integers are sorted without a function.
 */
function sortByKeys({ bits, keys, places }: Sorting, size: number): void {
  if (size > PLACES)
    throw new LodestoneError(
      'NumericalDivergence', // what would be tried again would happen again
      `neighbours: ${size} rows are too near to each other to be told apart, ${PLACES} can be sorted. Has the embedding collapsed?`,
    );
  for (let place = 0; place < size; place++) {
    const word = bits[place];
    keys[place] = ((word ^ (word >>> 31 === 1 ? 0xffff_ffff : 0x8000_0000)) >>> 0) * PLACES + place;
  }
  keys.subarray(0, size).sort();
  // The remainder by PLACES, which the operator takes ten times as long for.
  for (let i = 0; i < size; i++) places[i] = keys[i] - floor(keys[i] / PLACES) * PLACES;
}

/** Some consecutive places of rows and of the distances that belong to them. */
export interface Run {
  readonly rows: Int32Array;
  readonly distances: Float64Array;
  readonly begin: number;
  readonly end: number;
}

/** Puts the rows of a run in the order of their distances, and these; equal ones by row. */
export function sortRun({ rows, distances, begin, end }: Run): void {
  if (end - begin > INSERTED) {
    const order = Array.from({ length: end - begin }, (_, i) => ({
      row: rows[begin + i],
      distance: distances[begin + i],
    }));
    order.sort((a, b) => a.distance - b.distance || a.row - b.row);
    order.forEach(({ row, distance }, i) => {
      rows[begin + i] = row;
      distances[begin + i] = distance;
    });
    return;
  }
  for (let i = begin + 1; i < end; i++) {
    const row = rows[i];
    const distance = distances[i];
    let place = i;
    for (; place > begin; place--) {
      const before = distances[place - 1];
      if (before < distance || (before === distance && rows[place - 1] < row)) break;
      distances[place] = before;
      rows[place] = rows[place - 1];
    }
    distances[place] = distance;
    rows[place] = row;
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  if (a < b) return b < c ? b : a < c ? c : a;
  return a < c ? a : b < c ? c : b;
}
