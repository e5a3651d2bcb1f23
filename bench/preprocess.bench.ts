/**
 * From photos to batches: what preprocessing takes beside bare sharp, which decodes and scales alike, and how long training
 * waits for its batches.
 *   npm run bench -- preprocess [--case grocery|large|batches …] [--rounds 5] [--threads 2] [--no-record]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnEnvironment } from '../engine/environment';
import { measureInterleaved, type Variant } from './support/interleave';
import { pooled, repeated } from './support/pooled';
import { preprocessCases, type PreprocessTask, type PreprocessVariant } from './support/preprocess-cases';
import { ratesTable, waitTable } from './support/preprocess-tables';
import { record, textOf, type Table } from './support/record';
import { requireAgreement } from './support/search-bench';

const contestants: readonly { readonly row: string; readonly variant: PreprocessVariant }[] = [
  { row: 'lodestone, pack', variant: 'pack' },
  { row: 'lodestone, scan and pack', variant: 'scan-and-pack' },
  { row: 'bare sharp, bytes', variant: 'bare' },
  { row: 'bare sharp, paths', variant: 'bare-paths' },
];
/** Of each contestant at preprocessing. */
const PROCESSES = 3;
const precisions = ['float32', 'bf16'] as const;

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    'no-record': { type: 'boolean', default: false },
  },
});
const rounds = { warmUp: 1, rounds: Number(values.rounds) };
const wanted = (name: string): boolean => values.case?.includes(name) ?? true;

async function main(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'lodestone-bench-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

  for (const { name, title, label, inputSize, prepare } of preprocessCases) {
    if (!wanted(name)) continue;
    console.log(`\npreprocess: ${title}`);
    const folder = await prepare(scratch);
    if (folder === null) {
      console.warn('  left out: ../shared/datasets holds no such folder on this machine.');
      continue;
    }
    const task: PreprocessTask = { folder, label, inputSize, scratch };
    const variants = contestants.map(({ row, variant }) =>
      worker(row, 'preprocess-worker.js', [JSON.stringify(task), variant], {}),
    );
    const each = await measureInterleaved(repeated(variants, PROCESSES), rounds, say);
    requireAgreement(each, 0);
    keep(ratesTable(title, pooled(each), { ...rounds, processes: PROCESSES }));
  }
  if (!wanted('batches')) return;
  console.log('\npreprocess: waiting for batches');
  const environment = spawnEnvironment(Number(values.threads), { oneDnn: true, deterministic: true });
  const variants = precisions.map((precision) =>
    worker(`convnet-4, ${precision}`, 'batches-worker.js', [precision, scratch], environment),
  );
  keep(waitTable(await measureInterleaved(variants, rounds, say), rounds.rounds, Number(values.threads)));
}

function worker(name: string, file: string, args: readonly string[], environment: Variant['environment']): Variant {
  return { name, command: [process.execPath, join(__dirname, 'support', file), ...args], environment };
}

function keep(table: Table): void {
  if (!values['no-record']) record([table], 'npm run bench -- preprocess');
  console.log(`\n${textOf(table)}`);
}

function say(line: string): void {
  console.log(line);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
