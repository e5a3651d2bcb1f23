/**
 * The training step on stock kernels, on fused kernels, and compiled, measured in one run:
 *   node dist/bench/train-step.js [--batch 8] [--side 224] [--rounds 10] [--threads 2]
 * Prints milliseconds (median), images a second, the ratio to stock and peak memory. Softmax, momentum, random images.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnEnvironment } from '../engine/environment';
import { measureInterleaved, type Measured } from './support/interleave';

const variants = ['stock', 'fused', 'compiled'] as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      batch: { type: 'string', default: '8' },
      side: { type: 'string', default: '224' },
      rounds: { type: 'string', default: '10' },
      threads: { type: 'string', default: '2' },
    },
  });
  const environment = spawnEnvironment(Number(values.threads), { oneDnn: true, deterministic: true });
  const measured = await measureInterleaved(
    join(__dirname, 'support/train-step-worker.js'),
    [values.batch, values.side],
    variants.map((name) => ({ name, environment })),
    { warmUp: 3, rounds: Number(values.rounds) },
  );
  console.log(
    `training step, batch ${values.batch} at ${values.side} px, ${values.threads} threads, ${values.rounds} rounds`,
  );
  for (const one of measured) console.log(line(one, measured[0].median, Number(values.batch)));
}

function line({ name, median, peakBytes, note }: Measured, stock: number, batch: number): string {
  const columns = [
    name.padEnd(9),
    `${median.toFixed(0)} ms`.padStart(8),
    `${((batch / median) * 1000).toFixed(1)} img/s`.padStart(13),
    `${(median / stock).toFixed(3)} of stock`.padStart(16),
    `${(peakBytes / 2 ** 20).toFixed(0)} MiB peak`.padStart(15),
  ];
  return `${columns.join('')}   ${note}`;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
