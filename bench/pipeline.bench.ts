/**
 * The whole pipeline by the number of images: photos on disk to evaluation and report, through the product on a local stack of
 * its own, and what its processes hold meanwhile.
 *   npm run bench -- pipeline [--sizes 10000,116236] [--threads 2] [--no-record]
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Recipe } from '../config/recipe';
import { writeClassPhotos } from './support/class-photos';
import { activityTimes, spanOf, withOwnStack, type ActivityTimes, type OwnStack } from './support/own-stack';
import { mebibytes, record, textOf, type Table } from './support/record';
import { sampleMemory } from './support/resident';

const PHOTOS = { classes: 90, edge: 96 };
const NETWORK = { name: 'convnet-4', inputSize: 64, embeddingSize: 128 } as const;

interface Pipeline {
  readonly images: number;
  /** By activity, in the order of `names`. */
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  /** The most that was seen, sampled. */
  readonly peakBytes: { readonly worker: number; readonly trainer: number; readonly both: number };
  /** Test error by soft-kNN, in percent. */
  readonly error: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sizes: { type: 'string', default: '10000,116236' },
      threads: { type: 'string', default: '2' },
      'no-record': { type: 'boolean', default: false },
    },
  });
  const threads = Number(values.threads);
  const runs = await withOwnStack(async (stack) => {
    const done: Pipeline[] = [];
    for (const images of values.sizes.split(',').map(Number)) done.push(await measure(stack, images, threads));
    return done;
  });
  const table = tableOf(runs, threads);
  if (!values['no-record']) record([table], ['npm run bench -- pipeline', ...process.argv.slice(2)].join(' '));
  console.log(`\n${textOf(table)}`);
}

async function measure(stack: OwnStack, images: number, threads: number): Promise<Pipeline> {
  console.log(`pipeline: ${images} images`);
  const path = join(stack.folder, `photos-${images}`);
  await writeClassPhotos(path, { images, ...PHOTOS });
  console.log('  photos are made');
  const run = `pipeline-${images}`;
  const recipe = Recipe.parse({ network: NETWORK, warmStart: { epochs: 1 }, epochs: 1, engine: { threads } });
  const data = { type: 'folder', path } as const;
  const handle = await stack.start(run, { version: 1, data, recipe, shared: null, carried: null });
  const memory = await sampleMemory(stack, run, handle);
  const { result } = await handle.result();
  rmSync(path, { recursive: true });
  const most = (of: (sample: (typeof memory)[number]) => number): number =>
    memory.reduce((peak, sample) => Math.max(peak, of(sample)), 0);
  return {
    images,
    phases: phasesOf(await activityTimes(handle)),
    peakBytes: {
      worker: most(({ worker }) => worker),
      trainer: most(({ trainer }) => trainer),
      both: most(({ worker, trainer }) => worker + trainer),
    },
    error: 100 * result.metrics.trained.error1,
  };
}

const names: Readonly<Record<string, readonly string[]>> = {
  scanData: ['scan: list, read and hash the files'],
  packShard: ['decode, pack and store'],
  assembleDataSet: ['manifest and splits'],
  trainEpoch: ['warm start, one epoch', 'Magnet, one epoch'],
  refreshIndex: ['first refresh: embed, K-means', 'last refresh'],
  evaluateRun: ['evaluation'],
  finishRun: ['report and result'],
};

/** From when its first activity was asked for to the end of its last; shards are one phase. */
function phasesOf(times: readonly ActivityTimes[]): Pipeline['phases'] {
  return Object.entries(names).flatMap(([type, phases]) => {
    const own = times.filter((one) => one.type === type);
    const groups = type === 'packShard' ? [own] : own.map((one) => [one]);
    return groups.map((group, i) => {
      const { begunMs, endedMs } = spanOf(group);
      return { name: phases[i] ?? phases[phases.length - 1], seconds: (endedMs - begunMs) / 1000 };
    });
  });
}

function tableOf(runs: readonly Pipeline[], threads: number): Table {
  const cells = (of: (run: Pipeline) => readonly [string, string]): string[] => runs.flatMap(of);
  const timed = (seconds: number, images: number): readonly [string, string] => [
    seconds.toFixed(1),
    ((1e6 * seconds) / images).toFixed(0),
  ];
  const memory = (bytes: number): readonly [string, string] => [`${mebibytes(bytes)} MiB`, '–'];
  const whole = ({ phases }: Pipeline): number => phases.reduce((sum, { seconds }) => sum + seconds, 0);
  return {
    bench: 'pipeline',
    title: 'Photos to report by the number of images',
    about:
      `Made-up JPEGs of ${PHOTOS.edge} px in ${PHOTOS.classes} class folders, split by the product; convnet-4 at ${NETWORK.inputSize} px, one epoch of warm start and one of ` +
      `Magnet, each over all training images; Temporal dev server, MinIO, one worker and its trainer with ${threads} threads. By the history of the ` +
      'run, waiting in queues included; memory is sampled four times a second.',
    columns: ['phase', ...runs.flatMap(({ images }) => [`${images}: s`, 'µs an image'])],
    rows: [
      ...runs[0].phases.map(({ name }, i) => [
        name,
        ...cells((run) => timed(run.phases[i]?.seconds ?? NaN, run.images)),
      ]),
      ['all of it', ...cells((run) => timed(whole(run), run.images))],
      ['most memory of the worker', ...cells(({ peakBytes }) => memory(peakBytes.worker))],
      ['most memory of the trainer', ...cells(({ peakBytes }) => memory(peakBytes.trainer))],
      ['most of both at once', ...cells(({ peakBytes }) => memory(peakBytes.both))],
      ['test error, soft-kNN', ...cells(({ error }) => [`${error.toFixed(2)} %`, '–'])],
    ],
    notes: [],
  };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
