/**
 * How cost grows with the number of images and of clusters: preprocessing, the bookkeeping of a refresh, a step with its
 * sampler; and a data set that is larger than memory, read from the local cache.
 *   npm run bench -- growth [--part preprocess|refresh|step|large …] [--sizes 1000,10000,100000] [--clusters 10,100,1000,10000]
 *                           [--large 0] [--rounds 5] [--threads 2] [--no-record]
 * --large is the number of images of the large set, 0 for none: at 116236 it writes 28 GiB to the folder of temporary files.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnEnvironment } from '../engine/environment';
import type { GrowthTask } from './support/growth-worker';
import { makeLargeSet } from './support/large-set';
import type { LargePhase, LargeTask } from './support/large-worker';
import { measureInterleaved, quantile, type Outcome } from './support/interleave';
import { phasesOf } from './support/phases';
import { preprocessSpecies } from './support/preprocess-run';
import { mebibytes, record, textOf, type Table } from './support/record';

const REFRESH = { classes: 20, clustersPerClass: 8 };
/** Of the large set; what is made up has the paper's embedding size and the ImageNet Attributes set's number of classes. */
const LARGE = { inputSize: 224, classes: 90, clustersPerClass: 8, embeddingSize: 1024 };
/** Preprocessed sizes: more would take longer than it tells. */
const MOST_DRAWN = 10_000;

interface Settings {
  readonly sizes: readonly number[];
  readonly clusters: readonly number[];
  readonly large: number;
  readonly rounds: number;
  readonly threads: number;
}

const parts = { preprocess: preprocessTable, refresh: refreshTable, step: stepTable, large: largeTable } as const;
type Part = keyof typeof parts;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', multiple: true },
      sizes: { type: 'string', default: '1000,10000,100000' },
      clusters: { type: 'string', default: '10,100,1000,10000' },
      large: { type: 'string', default: '0' },
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string', default: '2' },
      'no-record': { type: 'boolean', default: false },
    },
  });
  const names = Object.keys(parts) as Part[];
  const unknown = (values.part ?? []).filter((part) => !names.includes(part as Part));
  if (unknown.length > 0)
    throw new Error(`growth: --part: got ${unknown.join(', ')}, must be among ${names.join(', ')}.`);
  const settings: Settings = {
    sizes: values.sizes.split(',').map(Number),
    clusters: values.clusters.split(',').map(Number),
    large: Number(values.large),
    rounds: Number(values.rounds),
    threads: Number(values.threads),
  };
  for (const part of names.filter((name) => values.part?.includes(name) ?? true)) {
    if (part === 'large' && settings.large === 0) continue;
    console.log(`\ngrowth: ${part}`);
    const table = await parts[part](settings);
    if (!values['no-record']) record([table], ['npm run bench -- growth', ...process.argv.slice(2)].join(' '));
    console.log(`\n${textOf(table)}`);
  }
}

async function preprocessTable({ sizes }: Settings): Promise<Table> {
  const drawn = sizes.filter((size) => size <= MOST_DRAWN);
  const found = await preprocessSpecies(drawn);
  const [first] = found;
  return {
    bench: 'growth',
    title: 'Preprocessing by the number of images',
    about:
      'Drawn images of 48 px as PNG files, stored at 63 px; a run of the product on a local stack, from the start of the scan to the ' +
      'manifest, by its history. The worker is one process for all sizes: its memory is the most that it had held by then.',
    columns: ['images', 's', 'scan s', 'decode s', 'manifest s', 'images/s', 'against the first', 'worker peak MiB'],
    rows: found.map(({ images, seconds, scan, decode, assemble, workerPeakBytes }) => [
      String(images),
      seconds.toFixed(2),
      scan.toFixed(2),
      decode.toFixed(2),
      assemble.toFixed(2),
      (images / seconds).toFixed(0),
      `${(images / seconds / (first.images / first.seconds)).toFixed(2)} ×`,
      mebibytes(workerPeakBytes),
    ]),
    notes: [],
  };
}

async function refreshTable({ sizes, rounds, threads }: Settings): Promise<Table> {
  const tasks = sizes.map((images): GrowthTask => ({ type: 'refresh', images, ...REFRESH }));
  const outcomes = await measured(tasks, ({ images }) => `${images} images`, rounds, threads);
  const perImage = outcomes.map((outcome, i) => (1000 * middleOf(outcome)) / tasks[i].images);
  return {
    bench: 'growth',
    title: 'Bookkeeping of a refresh by the number of images',
    about:
      `Made-up embeddings of 128 numbers, ${REFRESH.classes} classes of ${REFRESH.clustersPerClass} clusters, ${threads} threads, ${rounds} rounds: ` +
      'K-means from K-means++ on, the index, and the sampler of the next epoch with its first draw. Embedding itself, a fixed cost an ' +
      'image, is not in it.',
    columns: ['images', 'ms', 'µs an image', 'against the first', 'peak MiB', 'at start'],
    rows: outcomes.map((outcome, i) => [
      String(tasks[i].images),
      ...(outcome.type === 'failed'
        ? ['failed', '–', '–', '–', '–']
        : [
            spread(outcome, 1),
            perImage[i].toFixed(1),
            `${(perImage[i] / perImage[0]).toFixed(2)} ×`,
            mebibytes(outcome.peakBytes),
            mebibytes(outcome.baseBytes),
          ]),
    ]),
    notes: notesOf(outcomes),
  };
}

async function stepTable({ sizes, clusters, rounds, threads }: Settings): Promise<Table> {
  const tasks = sizes.flatMap((images) =>
    clusters
      .filter((count) => 10 * count <= images)
      .map((count): GrowthTask & { type: 'step' } => ({ type: 'step', images, clusters: count })),
  );
  const outcomes = await measured(
    tasks,
    ({ images, clusters: count }) => `${images} images, ${count} clusters`,
    rounds,
    threads,
  );
  return {
    bench: 'growth',
    title: 'A step and its sampler by the number of images and clusters',
    about:
      `Whole steps of a training session, convnet-4, Magnet 4 × 2 images of 16 px, ${threads} threads, ${rounds} rounds of 40 steps; images come from ` +
      'memory, 1,000 different ones. The sampler alone draws 12 × 4 examples and takes their losses.',
    columns: ['images', 'clusters C·K', 'step ms', 'against the first', 'sampler µs', 'peak MiB', 'at start'],
    rows: outcomes.map((outcome, i) => [
      String(tasks[i].images),
      String(tasks[i].clusters),
      ...(outcome.type === 'failed'
        ? ['failed', '–', '–', '–', '–']
        : [
            spread(outcome, 2),
            `${(middleOf(outcome) / middleOf(outcomes[0])).toFixed(2)} ×`,
            (outcome.values?.['samplerMicros'] ?? NaN).toFixed(0),
            mebibytes(outcome.peakBytes),
            mebibytes(outcome.baseBytes),
          ]),
    ]),
    notes: outcomes.flatMap((outcome) => (outcome.type === 'failed' ? [`${outcome.name}: ${outcome.why}`] : [])),
  };
}

async function largeTable({ large: images, threads }: Settings): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-bench-large-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.on('exit', remove);
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const { dataSet, bytes } = await makeLargeSet({ ...LARGE, images, folder });
  const task: LargeTask = {
    folder,
    dataSet,
    embeddingSize: LARGE.embeddingSize,
    clustersPerClass: LARGE.clustersPerClass,
  };
  const phases = await phasesOf<LargePhase>(join(__dirname, 'support/large-worker.js'), JSON.stringify(task), threads);
  remove();
  return {
    bench: 'growth',
    title: `${images} images at ${LARGE.inputSize} px from the local cache`,
    about:
      `${(bytes / 2 ** 30).toFixed(1)} GiB of noise in shards of 8 MiB, written straight into the local cache; the store holds the manifest alone and no ` +
      `shard. One process, ${threads} threads. Real: opening and verifying, reading, labels, mean and deviation, K-means (${LARGE.classes} classes of ` +
      `${LARGE.clustersPerClass} clusters, ${LARGE.embeddingSize} numbers), the validation error of a refresh, the index as a file, the sampler of Magnet 12 × 4. ` +
      'Made up: the pixels, the embeddings, the losses; no network is run.',
    columns: ['phase', 's', 'images/s', 'peak MiB by then'],
    rows: phases.map(({ phase, milliseconds, peakBytes, images: read }) => [
      phase,
      (milliseconds / 1000).toFixed(2),
      read === undefined ? '–' : ((1000 * read) / milliseconds).toFixed(0),
      mebibytes(peakBytes),
    ]),
    notes: [],
  };
}

function measured<T extends GrowthTask>(
  tasks: readonly T[],
  nameOf: (task: T) => string,
  rounds: number,
  threads: number,
): Promise<Outcome[]> {
  const environment = spawnEnvironment(threads, { oneDnn: true, deterministic: true });
  const variants = tasks.map((task) => ({
    name: nameOf(task),
    command: [process.execPath, '--expose-gc', join(__dirname, 'support/growth-worker.js'), JSON.stringify(task)],
    environment,
  }));
  return measureInterleaved(variants, { warmUp: 1, rounds }, (line) => console.log(line));
}

function middleOf(outcome: Outcome): number {
  return outcome.type === 'measured' ? quantile(outcome.milliseconds, 0.5) : NaN;
}

function spread(outcome: Outcome & { type: 'measured' }, digits: number): string {
  const [first, middle, third] = [0.25, 0.5, 0.75].map((share) =>
    quantile(outcome.milliseconds, share).toFixed(digits),
  );
  return `${middle} (${first}–${third})`;
}

function notesOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => `${outcome.name}: ${outcome.type === 'failed' ? outcome.why : outcome.note}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
