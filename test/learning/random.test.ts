import { philox4x32, rngFor } from '../../learning/random';

const draws = (count: number, next: () => number): number[] => Array.from({ length: count }, () => next());

// Frozen from this implementation on its first day; the block function under it is checked against published answers below.
const GOLDEN_WORDS = [3872137055, 408779923, 652776115, 3456967130];
const GOLDEN_UNIFORM = 0.9015521563230193;
const GOLDEN_NORMAL = -0.9445618209477661;
const GOLDEN_SHUFFLE = [4, 2, 5, 3, 0, 1, 6, 7];

describe('philox4x32', () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds).
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published block for counter %j and key %j', (counter, key, expected) => {
    const block = philox4x32(counter as [number, number, number, number], key as [number, number]);
    expect([...block]).toEqual(expected);
  });
});

describe('rngFor', () => {
  test('golden: the first draws of named streams are frozen, since checkpoints and data sets depend on them', () => {
    const rng = rngFor(7, 'golden', 3, 'x');
    expect(draws(4, () => rng.nextUint32())).toEqual(GOLDEN_WORDS);
    expect(rngFor(7, 'golden', 3, 'x').next()).toBe(GOLDEN_UNIFORM);
    expect(rngFor(7, 'golden', 3, 'x').normal()).toBe(GOLDEN_NORMAL);
    expect(rngFor(7, 'golden', 3, 'x').shuffle([0, 1, 2, 3, 4, 5, 6, 7])).toEqual(GOLDEN_SHUFFLE);
  });

  test('R1: an equal name gives an equal stream, whatever other streams were drawn in between', () => {
    const first = rngFor(1, 'batch', 2, 3);
    const begin = draws(5, () => first.next());
    draws(100, () => rngFor(9, 'other').next());
    const again = rngFor(1, 'batch', 2, 3);
    expect(draws(5, () => again.next())).toEqual(begin);
  });

  test('R1: names that differ in seed, purpose, part, type, order or boundary differ from the first draw on', () => {
    const names: [number, string, ...(number | string)[]][] = [
      [1, 'batch'],
      [2, 'batch'],
      [1, 'batcg'],
      [1, 'batch', 0],
      [1, 'batch', 0, 0],
      [1, 'batch', '0'],
      [1, 'batch', ''],
      [1, 'batch', 1, 2],
      [1, 'batch', 2, 1],
      [1, 'ab', 'c'],
      [1, 'a', 'bc'],
      [1, 'abc'],
      [-1, 'batch'],
      [2 ** 32 + 1, 'batch'],
      [1, 'batch', 'é'],
      [1, 'batch', 'e\u0301'],
      [1, 'batch', 'a'],
      [1, 'batch', 'a\u0000'],
    ];
    const firsts = names.map((name) => rngFor(...name).next());
    expect(new Set(firsts).size).toBe(names.length);
  });

  test('refuses a part that is not a safe integer', () => {
    expect(() => rngFor(1, 'batch', 0.5)).toThrow(/0\.5, a part of a name must be a safe integer/);
    expect(() => rngFor(Number.NaN, 'batch')).toThrow(RangeError);
  });

  test('next is uniform: chi-square over 64 cells of 64,000 draws stays within 6 sd of its mean', () => {
    const rng = rngFor(11, 'uniform');
    const cells = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i++) {
      const cell = Math.floor(rng.next() * 64);
      cells[cell] = (cells[cell] ?? 0) + 1;
    }
    const chiSquare = cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(Math.abs(chiSquare - 63)).toBeLessThan(6 * Math.sqrt(2 * 63));
  });

  test('streams of neighbouring names are uncorrelated', () => {
    const size = 20_000;
    let sum = 0;
    for (let step = 0; step < size; step++) {
      sum += (rngFor(3, 'step', step).next() - 0.5) * (rngFor(3, 'step', step + 1).next() - 0.5);
    }
    expect(Math.abs((sum / size) * 12)).toBeLessThan(5 / Math.sqrt(size)); // correlation, 5 sd
  });

  test('nextInt is unbiased and covers its range; its ends are checked', () => {
    const rng = rngFor(5, 'ints');
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const value = rng.nextInt(3);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts)
      expect(Math.abs(count - 10_000)).toBeLessThan(6 * Math.sqrt(30_000 * (1 / 3) * (2 / 3)));
    expect(rng.nextInt(1)).toBe(0);
    expect(rng.nextInt(2 ** 32)).toBeLessThan(2 ** 32);
    for (const bad of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) expect(() => rng.nextInt(bad)).toThrow(RangeError);
  });

  test('normal has mean 0, variance 1 and the tails of a normal', () => {
    const rng = rngFor(6, 'normal');
    const values = draws(50_000, () => rng.normal());
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / values.length;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(values.length));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / values.length));
    expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(0.005);
  });

  test('shuffle permutes in place and is uniform over the six orders of three items', () => {
    const rng = rngFor(8, 'shuffle');
    const counts = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const items = ['a', 'b', 'c'];
      expect(rng.shuffle(items)).toBe(items);
      counts.set(items.join(''), (counts.get(items.join('')) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values())
      expect(Math.abs(count - 2000)).toBeLessThan(6 * Math.sqrt(12_000 * (1 / 6) * (5 / 6)));
  });

  test('sample takes different items, leaves its input alone and refuses more than there are', () => {
    const items = [1, 2, 3, 4, 5];
    const taken = rngFor(4, 'sample').sample(items, 3);
    expect(new Set(taken).size).toBe(3);
    expect(items).toEqual([1, 2, 3, 4, 5]);
    expect(rngFor(4, 'sample').sample(items, 5).sort()).toEqual(items);
    expect(() => rngFor(4, 'sample').sample(items, 6)).toThrow(/got 6/);
  });

  test('sample draws what the first steps of a shuffle of all items draw', () => {
    const items = Array.from({ length: 40 }, (_, i) => `item ${i % 30}`); // some of them equal
    for (const count of [0, 1, 7, 39, 40]) {
      const rng = rngFor(5, 'sample', count);
      const pool = [...items];
      for (let i = 0; i < count; i++) {
        const j = i + rng.nextInt(pool.length - i);
        [pool[i], pool[j]] = [pool[j], pool[i]];
      }
      expect(rngFor(5, 'sample', count).sample(items, count)).toEqual(pool.slice(0, count));
    }
  });
});
