/** The distance of rows of every length, and what a limit may cut short. */
import { squaredDistance, squaredDistancesTo } from '../../../learning/index/distance';
import { rngFor } from '../../../learning/random';

const rng = rngFor(1, 'distance');

test('rows of any length: the plain sum of squares', () => {
  for (const size of [1, 2, 3, 4, 5, 15, 16, 17, 20, 31, 33, 64]) {
    const a = Float32Array.from({ length: 3 * size }, () => rng.normal());
    const b = Float64Array.from({ length: 2 * size }, () => rng.normal());
    let plain = 0;
    for (let e = 0; e < size; e++) plain += (a[2 * size + e] - b[size + e]) ** 2;
    expect(squaredDistance(a, 2, b, 1, size, Infinity)).toBeCloseTo(plain, 12);
    expect(squaredDistance(a, 2, b, 1, size, plain * 2)).toBeCloseTo(plain, 12);
    expect(squaredDistance(a, 2, b, 1, size, plain / 8)).toBeGreaterThanOrEqual(plain / 8);
  }
});

test('a limit saves the rest of a long row', () => {
  expect(squaredDistance(new Float32Array(64).fill(1), 0, new Float32Array(64), 0, 64, 10)).toBe(16);
});

test('distances to several rows are those of one after the other, bit by bit', () => {
  for (const size of [1, 3, 4, 16, 19, 64, 130]) {
    const x = Float64Array.from({ length: size }, () => rng.normal());
    const matrix = Float32Array.from({ length: 6 * size }, () => rng.normal());
    const rows = Int32Array.of(9, 5, 0, 3, 3, 9);
    const into = new Float64Array(6).fill(-1);
    squaredDistancesTo(x, matrix, { rows, begin: 1, end: 4 }, into);
    const plain = [5, 0, 3].map((row) => squaredDistance(x, 0, matrix, row, size, Infinity));
    expect([...into]).toEqual([-1, ...plain, -1, -1]);
    squaredDistancesTo(x, matrix, { rows, begin: 1, end: 5 }, into);
    expect([...into]).toEqual([-1, ...plain, plain[2], -1]);
  }
});
