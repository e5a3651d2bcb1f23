/** What float32 and bfloat16 products leave for exact distances to decide. */
import { bf16SumsAreFloat32 } from '../../../engine/ops/products';
import { tf } from '../../../engine/tf';
import { CandidateSearch } from '../../../learning/readouts/candidates';
import type { Candidates } from '../../../learning/readouts/nearest';
import { rngFor } from '../../../learning/random';

const E = 32;
const COUNT = 5;

function heaps(count: number, seed: number, spread: number): Float32Array {
  const placing = rngFor(1, 'centres');
  const centres = Array.from({ length: 10 * E }, () => 3 + placing.normal());
  const rng = rngFor(seed, 'rows');
  return Float32Array.from({ length: count * E }, (_, i) => {
    const heap = Math.floor(i / E) % 10;
    return centres[heap * E + (i % E)] + spread * rng.normal();
  });
}

function distanceOf(queries: Float32Array, query: number, references: Float32Array, row: number): number {
  let sum = 0;
  for (let e = 0; e < E; e++) sum += (queries[query * E + e] - references[row * E + e]) ** 2;
  return sum;
}

function nearestRows(queries: Float32Array, query: number, references: Float32Array): number[] {
  return Array.from({ length: references.length / E }, (_, row) => row)
    .map((row) => ({ row, distance: distanceOf(queries, query, references, row) }))
    .sort((a, b) => a.distance - b.distance || a.row - b.row)
    .slice(0, COUNT)
    .map(({ row }) => row);
}

function searchIn(references: Float32Array, exactAnyway: boolean, productMiB = 64): CandidateSearch {
  return new CandidateSearch(references, { embeddingSize: E, count: COUNT, productMiB, exactAnyway });
}

/** The query's nearest that are not among its candidates. */
const missing = (nearest: readonly number[], { rows }: Candidates): number[] =>
  nearest.filter((row) => !rows.includes(row));

test.each([
  ['float32', false],
  ['bfloat16, where the CPU has it', true],
])('%s: the nearest are among few candidates', (_, exactAnyway) => {
  const [references, queries] = [heaps(2000, 1, 0.5), heaps(40, 2, 0.5)];
  const search = searchIn(references, exactAnyway);
  const found = search.candidates(queries, () => -1);
  search.dispose();
  found.forEach((candidates, query) => {
    expect(missing(nearestRows(queries, query, references), candidates)).toEqual([]);
    expect(candidates.rows.length).toBeLessThan(20 * COUNT);
    expect([...candidates.values]).toEqual([...candidates.values].sort((a, b) => a - b));
  });
  // In float32 the order of what lies apart is exact; bfloat16 says so little that nothing is promised.
  const slack = exactAnyway && bf16SumsAreFloat32() ? Infinity : expect.any(Number);
  expect(found[0].slack).toEqual(slack);
});

test('control: bfloat16 alone does not know the nearest, so that its slack is needed', () => {
  if (!bf16SumsAreFloat32()) return console.warn('skipped: this CPU has no bfloat16 products');
  const [references, queries] = [heaps(2000, 3, 0.5), heaps(200, 4, 0.5)];
  const search = searchIn(references, true);
  const found = search.candidates(queries, () => -1);
  search.dispose();
  const lost = found.filter((candidates, query) => {
    const first = { ...candidates, rows: candidates.rows.subarray(0, COUNT) };
    return missing(nearestRows(queries, query, references), first).length > 0;
  });
  expect(lost.length).toBeGreaterThan(0);
});

test('where bfloat16 tells too few apart, later queries are answered in float32', () => {
  const [references, queries] = [heaps(4000, 5, 0.03), heaps(10, 6, 0.03)];
  const search = searchIn(references, true);
  const first = search.candidates(queries, () => -1);
  const second = search.candidates(queries, () => -1);
  search.dispose();
  const sizeOf = (found: readonly Candidates[]): number => found.reduce((sum, { rows }) => sum + rows.length, 0);
  if (bf16SumsAreFloat32()) expect(sizeOf(second)).toBeLessThan(sizeOf(first) / 2);
  expect(second[0].slack).toBeLessThan(Infinity);
  second.forEach((candidates, query) => {
    expect(missing(nearestRows(queries, query, references), candidates)).toEqual([]);
  });
});

test('fewer products at once: fewer queries, the same candidates, and no tensor is left', () => {
  const before = tf.memory().numTensors;
  const [references, queries] = [heaps(20_000, 7, 0.5), heaps(10, 8, 0.5)];
  const [small, large] = [searchIn(references, false, 1), searchIn(references, false, 128)];
  expect([small.block, large.block]).toEqual([13, 1024]); // 13 · 20,000 · 4 bytes ≤ 1 MiB
  const rowsOf = (search: CandidateSearch): number[][] =>
    search.candidates(queries, () => -1).map(({ rows }) => [...rows]);
  expect(rowsOf(small)).toEqual(rowsOf(large));
  small.dispose();
  large.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
