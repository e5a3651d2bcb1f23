/**
 * Where a compiled training step spends its time, op by op, in float32 and in bf16.
 *   npm run bench -- ops [--threads 2] [--no-record]
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnEnvironment } from '../engine/environment';
import { trainCases, type TrainCase } from './support/cases';
import type { OpTimes } from './support/ops-worker';
import { record, textOf, type Table } from './support/record';

/** Ops that get a row; the others share one. */
const ROWS = 12;

function timesOf(one: TrainCase, variant: 'compiled' | 'bf16', threads: number): OpTimes {
  const environment = spawnEnvironment(threads, { oneDnn: true, deterministic: true, trace: true });
  const printed = execFileSync(process.execPath, [join(__dirname, 'support/ops-worker.js'), one.name, variant], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as OpTimes;
}

function tableOf(one: TrainCase, float32: OpTimes, bf16: OpTimes, threads: number): Table {
  const ms = ({ ops }: OpTimes, op: string): number => ops[op]?.ms ?? 0;
  const names = [...new Set([...Object.keys(float32.ops), ...Object.keys(bf16.ops)])].sort(
    (a, b) => ms(float32, b) + ms(bf16, b) - ms(float32, a) - ms(bf16, a),
  );
  const row = (title: string, ops: readonly string[]): string[] => [
    title,
    ...[float32, bf16].map((times) => ops.reduce((sum, op) => sum + ms(times, op), 0).toFixed(1)),
  ];
  return {
    bench: 'ops',
    title: one.title,
    about: `Milliseconds of kernels in one step, ${threads} threads.`,
    columns: ['op', 'float32', 'bf16'],
    rows: [
      ...names.slice(0, ROWS).map((op) => row(op, [op])),
      row(`${Math.max(0, names.length - ROWS)} other ops`, names.slice(ROWS)),
      row('all kernels', names),
      ['the whole step, traced', float32.stepMs.toFixed(1), bf16.stepMs.toFixed(1)],
    ],
    notes: ['Two branches run side by side: kernels take longer then, and together more than the step.'],
  };
}

const { values } = parseArgs({
  options: { threads: { type: 'string', default: '2' }, 'no-record': { type: 'boolean', default: false } },
});
const threads = Number(values.threads);
for (const one of trainCases.filter(({ wholeSession }) => !wholeSession)) {
  const table = tableOf(one, timesOf(one, 'compiled', threads), timesOf(one, 'bf16', threads), threads);
  console.log(`\n${textOf(table)}`);
  if (!values['no-record']) record([table], 'npm run bench -- ops');
}
