/**
 * Retrieval metrics of an evaluation: ours and pytorch-metric-learning's calculator on the same embeddings, to the same
 * values.
 *   npm run bench -- retrieval [--rounds 5] [--threads 2] [--no-record]
 */
import { join } from 'node:path';
import { runSearchBench, writeHeaps, type SearchCase } from './support/search-bench';

const cases: readonly SearchCase[] = [
  {
    name: 'classes',
    title: '10,000 embeddings × 128 of 100 classes',
    tolerance: 1e-4, // its distances are float32, ours exact: neighbours almost as near may change places
    prepare: async (folder) => {
      const rows = join(folder, 'embeddings');
      await writeHeaps(rows, { rows: 10_000, embeddingSize: 128, heaps: 100, seed: 5, spread: 2 });
      return { type: 'retrieval', rows, embeddingSize: 128, classes: 100 };
    },
  },
];

runSearchBench('retrieval', cases, ['pml']).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
