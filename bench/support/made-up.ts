/** Embeddings that no network computed: heaps of unit spread around seeded centres of unit spread. */
import { rngFor } from '../../learning/random';

export interface Heaps {
  readonly rows: number;
  readonly embeddingSize: number;
  readonly heaps: number;
  readonly seed: number;
}

/** float32 [rows, E], row after row in the order of the heaps, each of as many rows as the others. */
export function heaps({ rows, embeddingSize, heaps: count, seed }: Heaps): Float32Array {
  const placing = rngFor(seed, 'bench centres');
  const centres = Float32Array.from({ length: count * embeddingSize }, () => placing.normal());
  const rng = rngFor(seed, 'bench rows', rows);
  // Sums of three uniform numbers are near enough to normal ones, and a hundred million of them come in seconds.
  const spread = (): number => 2 * ((rng.nextUint32() + rng.nextUint32() + rng.nextUint32()) / 2 ** 32 - 1.5);
  const values = new Float32Array(rows * embeddingSize);
  for (let row = 0; row < rows; row++) {
    const from = Math.floor((row * count) / rows) * embeddingSize;
    for (let e = 0; e < embeddingSize; e++) values[row * embeddingSize + e] = centres[from + e] + spread();
  }
  return values;
}
