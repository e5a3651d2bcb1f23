/**
 * Exact neighbours of an evaluation: ours and faiss's exact index on the same rows.
 *   npm run bench -- neighbours [--rounds 5] [--threads 2] [--no-record]
 */
import { join } from 'node:path';
import { runSearchBench, writeHeaps, type SearchCase } from './support/search-bench';

const cases: readonly SearchCase[] = [
  {
    name: 'wide',
    title: '10,000 queries × 50,000 references × 1024, 128 neighbours',
    prepare: async (folder) => {
      const [rows, queries] = [join(folder, 'references'), join(folder, 'queries')];
      await writeHeaps(rows, { rows: 50_000, embeddingSize: 1024, heaps: 500, seed: 3 });
      await writeHeaps(queries, { rows: 10_000, embeddingSize: 1024, heaps: 500, seed: 3 });
      return { type: 'neighbours', rows, queries, embeddingSize: 1024, count: 128 };
    },
  },
];

runSearchBench('neighbours', cases, ['faiss']).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
