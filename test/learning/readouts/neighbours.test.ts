import fc from 'fast-check';
import {
  firstColumns,
  nearestNeighbours,
  queriesBetween,
  searchNeighbours,
  unitRows,
  type NeighbourRequest,
} from '../../../learning/readouts/neighbours';
import { rngFor } from '../../../learning/random';

/** Every pair, in full, sorted by distance and then by reference. */
function naive({ queries, references, embeddingSize: E, count, excludeSelf }: NeighbourRequest): number[][] {
  return Array.from({ length: queries.length / E }, (_, query) =>
    Array.from({ length: references.length / E }, (_unused, reference) => ({
      reference,
      distance: Array.from({ length: E }, (_dim, e) => queries[query * E + e] - references[reference * E + e]).reduce(
        (sum, difference) => sum + difference * difference,
        0,
      ),
    }))
      .filter(({ reference }) => !(excludeSelf && reference === query))
      .sort((a, b) => a.distance - b.distance || a.reference - b.reference)
      .slice(0, count)
      .map(({ reference }) => reference),
  );
}

function tableOf(request: NeighbourRequest): number[][] {
  const { queries, count, references } = nearestNeighbours(request);
  return Array.from({ length: queries }, (_, i) => [...references.subarray(i * count, (i + 1) * count)]);
}

/** Small integers: exact in float64, and full of ties. */
const rows = (embeddingSize: number): fc.Arbitrary<Float32Array> =>
  fc
    .array(fc.array(fc.integer({ min: -2, max: 2 }), { minLength: embeddingSize, maxLength: embeddingSize }), {
      minLength: 1,
      maxLength: 24,
    })
    .map((table) => Float32Array.from(table.flat()));

test('the neighbours are those of a full sort, ties by reference', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }).chain((E) => fc.tuple(fc.constant(E), rows(E), rows(E))),
      fc.integer({ min: 1, max: 30 }),
      ([embeddingSize, queries, references], count) => {
        const request = { queries, references, embeddingSize, count, productMiB: 64 };
        expect(tableOf(request)).toEqual(naive(request));
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test('within one set no row is its own neighbour, not even beside its copies', () => {
  fc.assert(
    fc.property(rows(2), fc.integer({ min: 1, max: 30 }), (set, count) => {
      const request = { queries: set, references: set, embeddingSize: 2, count, excludeSelf: true, productMiB: 64 };
      expect(tableOf(request)).toEqual(naive(request));
    }),
    { seed: 2, numRuns: 100 },
  );
});

test('a search that yields finds the same, and tells of every query once', async () => {
  const rng = rngFor(1, 'neighbours');
  const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => rng.normal());
  const request = {
    queries: numbers(1500 * 5),
    references: numbers(50 * 5),
    embeddingSize: 5,
    count: 8,
    productMiB: 64,
  };
  const told: number[] = [];
  const found = await searchNeighbours(request, (queries) => {
    told.push(queries);
    return Promise.resolve();
  });
  expect(found).toEqual(nearestNeighbours(request));
  expect(told.reduce((a, b) => a + b)).toBe(1500);
  expect(told.length).toBeGreaterThan(1);
});

test('the order alone is that of the exact distances', () => {
  fc.assert(
    fc.property(rows(3), fc.integer({ min: 1, max: 30 }), (set, count) => {
      const request = { queries: set, references: set, embeddingSize: 3, count, excludeSelf: true, productMiB: 64 };
      const found = nearestNeighbours({ ...request, orderOnly: true });
      expect(found.references).toEqual(nearestNeighbours(request).references);
      expect(found.distances.length).toBe(0);
    }),
    { seed: 8, numRuns: 100 },
  );
});

/** So many that a sample says how near is near. */
test.each([
  ['heaps, one after the other', (i: number) => Math.floor(i / 300)],
  ['all in one place but a few', (i: number) => (i < 2900 ? 0 : i)],
  ['all in one place', () => 0],
])('%s: a sample of many references costs no neighbour', (_, heap) => {
  const rng = rngFor(9, 'sampled');
  const references = Float32Array.from(
    { length: 3000 * 2 },
    (_value, i) => 5 * heap(i >> 1) + Math.round(rng.normal()),
  );
  const queries = references.slice(100, 112);
  for (const count of [1, 7, 400, 2999]) {
    const request = { queries, references, embeddingSize: 2, count, productMiB: 64 };
    expect(tableOf(request)).toEqual(naive(request));
    expect(nearestNeighbours({ ...request, orderOnly: true }).references).toEqual(
      nearestNeighbours(request).references,
    );
  }
});

test('a common offset of a million costs no neighbour', () => {
  const steps = [0, 3, 1, 7, 2];
  const shifted = Float32Array.from(steps, (x) => 1e6 + x);
  const request = { queries: shifted, references: shifted, embeddingSize: 1, count: 5, productMiB: 64 };
  expect(tableOf(request)).toEqual(
    naive({ ...request, queries: Float32Array.from(steps), references: Float32Array.from(steps) }),
  );
});

test('neighbours that float32 products cannot tell apart are told apart', () => {
  const rng = rngFor(4, 'close');
  const embeddingSize = 64;
  const far = Float32Array.from({ length: embeddingSize }, () => 1000 * rng.normal());
  // Two heaps of references 16,000 apart; inside each, distances differ by less than a product's rounding.
  const references = Float32Array.from({ length: 300 * embeddingSize }, (_, i) => {
    const side = Math.floor(i / embeddingSize) % 2 === 0 ? 1 : -1;
    return side * far[i % embeddingSize] + 0.01 * rng.normal();
  });
  const queries = references.slice(0, 40 * embeddingSize).map((value) => value + 0.01 * rng.normal());
  const request = { queries, references, embeddingSize, count: 10, productMiB: 64 };
  expect(tableOf(request)).toEqual(naive(request));
});

test('numbers at the edges of float32 are compared by exact distances', () => {
  const rng = rngFor(7, 'edges');
  for (const scale of [1e-30, 1e-20, 1e20, 1e30]) {
    const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => scale * rng.normal());
    const request = {
      queries: numbers(10 * 6),
      references: numbers(40 * 6),
      embeddingSize: 6,
      count: 5,
      productMiB: 64,
    };
    expect(tableOf(request)).toEqual(naive(request));
  }
});

test('more references than are multiplied at once', () => {
  const rng = rngFor(6, 'many');
  const references = Float32Array.from({ length: 70_000 }, () => rng.normal());
  const queries = Float32Array.of(-3, 0, 0.5, 9);
  const request = { queries, references, embeddingSize: 1, count: 3, productMiB: 64 };
  expect(tableOf(request)).toEqual(naive(request));
});

test('columns and queries are cut without a change', () => {
  const set = Float32Array.from([0, 1, 3, 7, 15]);
  const found = nearestNeighbours({ queries: set, references: set, embeddingSize: 1, count: 4, productMiB: 64 });
  expect([...firstColumns(found, 1).references]).toEqual([0, 1, 2, 3, 4]);
  expect(firstColumns(found, 9)).toBe(found);
  const cut = queriesBetween(found, 3, 5);
  expect([cut.queries, ...cut.references]).toEqual([2, 3, 2, 1, 0, 4, 3, 2, 1]);
});

test('unit rows have length 1; zeros stay zeros', () => {
  expect([...unitRows(Float32Array.from([3, 4, 0, 0]), 2)]).toEqual([Math.fround(0.6), Math.fround(0.8), 0, 0]);
});
