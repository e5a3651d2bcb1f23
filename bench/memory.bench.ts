/**
 * What a run holds in memory: a whole run of thousands of steps through the product, on a local stack of its own, and the
 * most that a session of the paper's network takes.
 *   npm run bench -- memory [--part run|googlenet …] [--steps 6000] [--images 90] [--threads 2] [--no-record]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEvents } from '../activities/events';
import { speciesInput } from './support/epochs';
import { withOwnStack } from './support/own-stack';
import { phasesOf } from './support/phases';
import { mebibytes, record, textOf, type Table } from './support/record';
import { fitLine, sampleMemory } from './support/resident';
import type { MemoryPhase } from './support/session-memory-worker';

const EPOCHS = 6;
/** Of the steps: before it, caches and pools fill. */
const SETTLING = 0.2;

interface Settings {
  readonly steps: number;
  readonly images: number;
  readonly threads: number;
}

const parts = { run: runTable, googlenet: googlenetTable } as const;
type Part = keyof typeof parts;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', multiple: true },
      steps: { type: 'string', default: '6000' },
      images: { type: 'string', default: '90' },
      threads: { type: 'string', default: '2' },
      'no-record': { type: 'boolean', default: false },
    },
  });
  const names = Object.keys(parts) as Part[];
  const unknown = (values.part ?? []).filter((part) => !names.includes(part as Part));
  if (unknown.length > 0)
    throw new Error(`memory: --part: got ${unknown.join(', ')}, must be among ${names.join(', ')}.`);
  const settings = { steps: Number(values.steps), images: Number(values.images), threads: Number(values.threads) };
  for (const part of names.filter((name) => values.part?.includes(name) ?? true)) {
    console.log(`\nmemory: ${part}`);
    const table = await parts[part](settings);
    if (!values['no-record']) record([table], ['npm run bench -- memory', ...process.argv.slice(2)].join(' '));
    console.log(`\n${textOf(table)}`);
  }
}

function runTable({ steps, images, threads }: Settings): Promise<Table> {
  const input = speciesInput({
    epochs: EPOCHS,
    stepsPerEpoch: Math.ceil(steps / EPOCHS),
    checkpointSeconds: 20,
    threads,
    images,
  });
  return withOwnStack(async (stack) => {
    const run = 'memory';
    const samples = await sampleMemory(stack, run, await stack.start(run, input));
    const tensors = (await readEvents(stack.store, run)).flatMap((event) =>
      event.type === 'speed' && event.phase === 'train' ? [event.speed.tensors] : [],
    );
    const last = Math.max(0, ...samples.map(({ step }) => step ?? 0));
    type Sample = (typeof samples)[number];
    const row = (name: string, bytesOf: (sample: Sample) => number): string[] => {
      const from = (share: number): [number, number][] =>
        samples.flatMap((sample): [number, number][] =>
          sample.step !== null && sample.step >= share * last ? [[sample.step, bytesOf(sample)]] : [],
        );
      const slope = (share: number): string => {
        const line = fitLine(from(share));
        return `${(line.slope / 1024).toFixed(2)} ± ${(line.error / 1024).toFixed(2)}`;
      };
      const peak = Math.max(...samples.map(bytesOf));
      const end = from(SETTLING).at(-1)?.[1] ?? NaN;
      return [name, mebibytes(peak), mebibytes(end), slope(SETTLING), slope(0.5)];
    };
    return {
      bench: 'memory',
      title: `A run of ${EPOCHS * Math.ceil(steps / EPOCHS)} steps`,
      about:
        `convnet-4, Magnet 12 × 4 images of 48 px, ${48 * images} drawn images, ${threads} threads; ${EPOCHS} epochs with a refresh after each, ` +
        `an evaluation, a checkpoint every 20 s. Resident memory by /proc, ${samples.length} samples from the start of the run to its end; ` +
        `the slope is by least squares over the samples of the last ${100 * (1 - SETTLING)} % of the steps.`,
      columns: ['', 'peak MiB', 'at the last step MiB', 'KiB a step', 'over the last half'],
      rows: [
        row('trainer', ({ trainer }) => trainer),
        row('worker', ({ worker }) => worker),
        row('both', ({ trainer, worker }) => trainer + worker),
      ],
      notes: [`Tensors that TensorFlow holds at the end of each epoch: ${tensors.join(', ')}.`],
    };
  });
}

async function googlenetTable({ threads }: Settings): Promise<Table> {
  const columns: string[] = [];
  const rows: string[][] = [];
  for (const precision of ['float32', 'bf16']) {
    const worker = join(__dirname, 'support/session-memory-worker.js');
    const phases = await phasesOf<MemoryPhase>(worker, precision, threads);
    columns.splice(0, Infinity, '', ...phases.map(({ phase }) => phase), 'tensors');
    rows.push([
      precision,
      ...phases.map(({ peakBytes }) => mebibytes(peakBytes)),
      phases.map(({ tensors }) => tensors).join(', '),
    ]);
  }
  return {
    bench: 'memory',
    title: 'A session of GoogLeNet-BN at 224 px, 48 images a step',
    about:
      `${threads} threads; a run in small in one process: steps of the softmax warm start, a refresh of 144 images, steps of Magnet 12 × 4, ` +
      'a copy of the state as a checkpoint takes it; Adam. The most that the process had held by then, in MiB, 35 MiB of images among it; ' +
      'and the tensors that TensorFlow held.',
    columns,
    rows,
    notes: [],
  };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
