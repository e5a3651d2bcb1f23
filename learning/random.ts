/**
 * The one random generator: counter-based, so that a stream is named, never carried.
 * `rngFor(seed, purpose, epoch, step)` gives the same numbers in every process, on every platform, in any order of use.
 * Knows integers and IEEE arithmetic only (no Math.sin, Math.log: engines may differ in their last bit). Keeps no global state.
 *
 * Invariants:
 *   R1  Equal names give equal streams; names that differ in any part (type, order or boundary of parts too) give independent ones.
 *   R2  Nothing to save: a resumed step names its stream again and draws what the lost step drew.
 *
 * Source: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 */

/** A part of a stream's name: a string, or a safe integer (an epoch, a step, a position). */
export type StreamPart = number | string;

export interface Rng {
  /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
  next(): number;
  /** Uniform integer in [0, 2³²). */
  nextUint32(): number;
  /** Uniform integer in [0, n), without bias; n is an integer in [1, 2³²]. */
  nextInt(n: number): number;
  /** Standard normal. */
  normal(): number;
  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[];
  /** `count` different items, in random order; throws RangeError where there are fewer. */
  sample<T>(items: readonly T[], count: number): T[];
}

/** The stream named by a run's seed, a purpose such as 'batch' or 'kmeans', and what tells its uses apart. */
export function rngFor(seed: number, purpose: string, ...parts: readonly StreamPart[]): Rng {
  const [key0, key1, high0, high1] = hashName([seed, purpose, ...parts]);
  return new PhiloxStream(key0, key1, high0, high1);
}

/**
 * One block of Philox4x32-10, a bijection of the counter for each key. Writes four uint32 into `out`.
 * Exported for its published test vectors.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array = new Uint32Array(4),
): Uint32Array {
  out.set(counter);
  permute(out, key[0], key[1]);
  return out;
}

/** Bound once: under Jest each look-up of a global goes through its sandbox, which makes a draw ten times slower. */
const { imul, floor, sqrt, SQRT1_2, SQRT2 } = Math;

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

function permute(words: Uint32Array, key0: number, key1: number): void {
  let x0 = words[0];
  let x1 = words[1];
  let x2 = words[2];
  let x3 = words[3];
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(MULTIPLIER_0, x0);
    const high1 = mulHigh(MULTIPLIER_1, x2);
    const low0 = imul(MULTIPLIER_0, x0);
    const low1 = imul(MULTIPLIER_1, x2);
    x0 = (high1 ^ x1 ^ key0) >>> 0;
    x1 = low1;
    x2 = (high0 ^ x3 ^ key1) >>> 0;
    x3 = low0;
    key0 = (key0 + WEYL_0) | 0;
    key1 = (key1 + WEYL_1) | 0;
  }
  words[0] = x0;
  words[1] = x1;
  words[2] = x2;
  words[3] = x3;
}

/** The upper 32 bits of the 64-bit product of two uint32; no sum of partial products below exceeds 2³² − 1. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (imul(aHigh, bLow) + (imul(aLow, bLow) >>> 16)) >>> 0;
  const carry = (imul(aLow, bHigh) + (middle & 0xffff)) >>> 0;
  return (imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * 128 bits of a name: each part as tag, length and words, absorbed two words at a time into a state that Philox mixes
 * (a sponge). Tag and length make ('ab', 'c') differ from ('a', 'bc') and 1 from '1' (R1).
 */
function hashName(parts: readonly StreamPart[]): [number, number, number, number] {
  const state = new Uint32Array(4);
  const absorb = (first: number, second: number): void => {
    state[0] = (state[0] ?? 0) ^ first;
    state[1] = (state[1] ?? 0) ^ second;
    permute(state, 0x6c6f6465, 0x73746f6e); // 'lodeston'
  };
  for (const part of parts) {
    if (typeof part === 'string') {
      absorb(0x53000000, part.length);
      for (let i = 0; i < part.length; i += 2) {
        absorb(part.charCodeAt(i), i + 1 < part.length ? part.charCodeAt(i + 1) + 1 : 0);
      }
    } else {
      if (!Number.isSafeInteger(part)) {
        throw new RangeError(`random stream: got ${part}, a part of a name must be a safe integer or a string`);
      }
      absorb(0x49000000, 0);
      absorb(part >>> 0, floor(part / 2 ** 32) >>> 0);
    }
  }
  absorb(0x45000000, parts.length);
  return [...state] as [number, number, number, number];
}

class PhiloxStream implements Rng {
  private readonly block = new Uint32Array(4);
  private used = 4;
  private counter = 0; // blocks drawn; 2⁵³ of them are enough

  constructor(
    private readonly key0: number,
    private readonly key1: number,
    private readonly high0: number,
    private readonly high1: number,
  ) {}

  nextUint32(): number {
    if (this.used === 4) {
      this.block[0] = this.counter >>> 0;
      this.block[1] = floor(this.counter / 2 ** 32);
      this.block[2] = this.high0;
      this.block[3] = this.high1;
      permute(this.block, this.key0, this.key1);
      this.counter++;
      this.used = 0;
    }
    return this.block[this.used++];
  }

  next(): number {
    const high = this.nextUint32() >>> 5; // 27 bits
    const low = this.nextUint32() >>> 6; // 26 bits
    return (high * 2 ** 26 + low) * 2 ** -53;
  }

  nextInt(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`nextInt: got ${n}, must be an integer in [1, 2³²]`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n); // the largest multiple of n: what is above would favour small results
    let draw = this.nextUint32();
    while (draw >= limit) draw = this.nextUint32();
    return draw % n;
  }

  /** Marsaglia's polar method: +, ·, ÷, sqrt and our own logarithm, all of them exact IEEE steps. The twin is discarded: no state. */
  normal(): number {
    for (;;) {
      const x = 2 * this.next() - 1;
      const y = 2 * this.next() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) return x * sqrt((-2 * naturalLog(square)) / square);
    }
  }

  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.nextInt(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }

  sample<T>(items: readonly T[], count: number): T[] {
    if (!Number.isInteger(count) || count < 0 || count > items.length) {
      throw new RangeError(`sample: got ${count}, must be an integer in [0, ${items.length}], the number of items`);
    }
    // Fisher–Yates that writes down only the places it has touched: a few of many items cost as much as a few of a few.
    const moved = new Map<number, T>();
    const itemAt = (place: number): T => (moved.has(place) ? (moved.get(place) as T) : items[place]);
    return Array.from({ length: count }, (_, i) => {
      const j = i + this.nextInt(items.length - i);
      const drawn = itemAt(j);
      moved.set(j, itemAt(i));
      return drawn;
    });
  }
}

const LN_2 = 0.6931471805599453;
const LN_TERMS = 14;

/** ln x for normal x > 0 within 2 ulp, by 2·artanh((m − 1)/(m + 1)) on a mantissa in [√½, √2): the same bits on every engine. */
function naturalLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  while (mantissa >= SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1); // |s| < 0.1716
  const s2 = s * s;
  let series = 0;
  for (let term = LN_TERMS; term >= 0; term--) series = series * s2 + 1 / (2 * term + 1);
  return 2 * s * series + exponent * LN_2;
}
