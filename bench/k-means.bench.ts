/**
 * K-means of a refresh: ours, scikit-learn and faiss on the same rows.
 *   npm run bench -- k-means [--case classes|large] [--rounds 5] [--threads 2] [--no-record]
 */
import { join } from 'node:path';
import { runSearchBench, writeHeaps, type SearchCase } from './support/search-bench';

const cases: readonly SearchCase[] = [
  {
    name: 'classes',
    title: '100 classes of 200 rows × 1024, 8 clusters each',
    prepare: async (folder) => {
      const rows = join(folder, 'classes');
      await writeHeaps(rows, { rows: 20_000, embeddingSize: 1024, heaps: 8, seed: 1 });
      return { type: 'clusters', rows, embeddingSize: 1024, classes: 100, clusters: 8 };
    },
  },
  {
    name: 'large',
    title: '100,000 rows × 128, 256 clusters',
    prepare: async (folder) => {
      const rows = join(folder, 'large');
      await writeHeaps(rows, { rows: 100_000, embeddingSize: 128, heaps: 400, seed: 2 });
      return { type: 'clusters', rows, embeddingSize: 128, classes: 1, clusters: 256 };
    },
  },
];

runSearchBench('k-means', cases, ['sklearn', 'faiss']).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
