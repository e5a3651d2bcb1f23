/** Where K-means begins. */
import { spreadSeeds, type RowProducts } from '../../../learning/index/seeds';
import { rngFor } from '../../../learning/random';

function productsOf(rows: readonly (readonly number[])[]): RowProducts {
  const product = (a: number, b: number): number => rows[a].reduce((sum, value, e) => sum + value * rows[b][e], 0);
  return {
    size: rows.length,
    squares: Float32Array.from(rows, (_, row) => product(row, row)),
    of: (asked) => Array.from(asked, (row) => Float32Array.from(rows, (_, other) => product(row, other))),
  };
}

test('seeds are different rows, each in its own cluster, and every row is with its nearest seed', () => {
  const rng = rngFor(1, 'rows');
  const rows = Array.from({ length: 60 }, () => [rng.normal(), rng.normal()]);
  for (let seed = 0; seed < 20; seed++) {
    const { rows: seeds, assignments } = spreadSeeds(productsOf(rows), 7, rngFor(seed, 'seeds'));
    expect(new Set(seeds).size).toBe(7);
    seeds.forEach((row, cluster) => {
      expect(assignments[row]).toBe(cluster);
    });
    rows.forEach(([x, y], row) => {
      const distances = Array.from(seeds, (other) => (x - rows[other][0]) ** 2 + (y - rows[other][1]) ** 2);
      expect(distances[assignments[row]]).toBeCloseTo(Math.min(...distances), 5);
    });
  }
});

test('heaps that lie apart get a seed each', () => {
  const rng = rngFor(2, 'heaps');
  const rows = Array.from({ length: 80 }, (_, i) => [100 * (i % 8), rng.normal()]);
  for (let seed = 0; seed < 20; seed++) {
    const { rows: seeds } = spreadSeeds(productsOf(rows), 8, rngFor(seed, 'seeds'));
    expect(new Set(Array.from(seeds, (row) => row % 8)).size).toBe(8);
  }
});

test('equal rows, and as many seeds as rows, end with different seeds', () => {
  const rows = Array.from({ length: 6 }, () => [3, 4]);
  const { rows: seeds, assignments } = spreadSeeds(productsOf(rows), 6, rngFor(3, 'seeds'));
  expect([...seeds].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(new Set(assignments).size).toBe(6);
});
