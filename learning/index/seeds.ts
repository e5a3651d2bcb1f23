/**
 * Where K-means begins: rows spread by K-means++ (Arthur and Vassilvitskii 2007), each the best of a few that were drawn, as
 * they propose and scikit-learn does. Knows products of rows; does not know how they are come by.
 */
import type { Rng } from '../random';

export interface RowProducts {
  /** n */
  readonly size: number;
  /** float [n], ‖r'‖² */
  readonly squares: Float32Array | Float64Array;
  /** Of each given row float32 [n], its product with all. */
  of(rows: Int32Array): readonly Float32Array[];
}

export interface Seeds {
  /** int32 [k] */
  readonly rows: Int32Array;
  /** int32 [n], the cluster of the nearest seed; each seed is in its own. */
  readonly assignments: Int32Array;
}

const { POSITIVE_INFINITY } = Number;
const { clz32, floor } = Math;

/**
 * Each next seed is, of some rows drawn in proportion to their squared distance to the seeds before it, the one that leaves the
 * least sum of these. They are about 2 + ln k: 2 + ⌊ln 2 ⌊log₂ k⌋⌋, the same on every platform. Needs at least k rows.
 */
export function spreadSeeds(products: RowProducts, k: number, rng: Rng): Seeds {
  const { size, squares } = products;
  const trials = 2 + floor(Math.LN2 * (31 - clz32(k)));
  const nearest = new Float64Array(size).fill(POSITIVE_INFINITY);
  const assignments = new Int32Array(size);
  const isSeed = new Uint8Array(size);
  const rows = new Int32Array(k);
  for (let cluster = 0; cluster < k; cluster++) {
    const drawn = cluster === 0 ? Int32Array.of(rng.nextInt(size)) : drawRows(nearest, isSeed, trials, rng);
    const found = products.of(drawn);
    const best = drawn.length === 1 ? 0 : bestOf(drawn, found, squares, nearest);
    const seed = drawn[best];
    takeNearer(found[best], squares, squares[seed], nearest, assignments, cluster);
    rows[cluster] = seed;
    isSeed[seed] = 1;
    nearest[seed] = 0;
    assignments[seed] = cluster; // no cluster begins empty, not even among equal rows
  }
  return { rows, assignments };
}

/** Rows that are no seeds yet; one where all that are left equal a seed. */
function drawRows(weights: Float64Array, isSeed: Uint8Array, count: number, rng: Rng): Int32Array {
  const sums = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) sums[i] = total += weights[i];
  if (!(total > 0)) {
    const rest = [...isSeed.keys()].filter((row) => isSeed[row] === 0); // fewer different rows than clusters
    return Int32Array.of(rest[rng.nextInt(rest.length)]);
  }
  return Int32Array.from({ length: count }, () => firstAbove(sums, rng.next() * total));
}

/** The first place whose sum is above a value, which is below the last sum: where a weight was added. */
function firstAbove(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Which of the drawn rows leaves the least sum of squared distances to the nearest seed; the first among equals. */
function bestOf(
  drawn: Int32Array,
  products: readonly Float32Array[],
  squares: Float32Array | Float64Array,
  nearest: Float64Array,
): number {
  let best = 0;
  let least = POSITIVE_INFINITY;
  for (let trial = 0; trial < drawn.length; trial++) {
    const sum = sumOfNearest(products[trial], squares, squares[drawn[trial]], nearest);
    if (!(sum < least)) continue;
    least = sum;
    best = trial;
  }
  return best;
}

function sumOfNearest(
  products: Float32Array,
  squares: Float32Array | Float64Array,
  square: number,
  nearest: Float64Array,
): number {
  let sum = 0;
  for (let i = 0; i < nearest.length; i++) {
    const distance = squares[i] + square - 2 * products[i];
    sum += distance < nearest[i] ? (distance > 0 ? distance : 0) : nearest[i];
  }
  return sum;
}

function takeNearer(
  products: Float32Array,
  squares: Float32Array | Float64Array,
  square: number,
  nearest: Float64Array,
  assignments: Int32Array,
  cluster: number,
): void {
  for (let i = 0; i < nearest.length; i++) {
    const distance = squares[i] + square - 2 * products[i];
    if (!(distance < nearest[i])) continue;
    nearest[i] = distance > 0 ? distance : 0;
    assignments[i] = cluster;
  }
}
