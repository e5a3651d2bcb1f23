/**
 * What durability costs: epochs through Temporal against the same ones in a bare loop, what an epoch costs that has next to
 * no steps, how far checkpoints hold training up, how long a killed trainer is missed. On a local stack of its own.
 *   npm run bench -- durable [--part epoch|fixed|checkpoints|kills …] [--rounds 4] [--steps 800] [--kills 5] [--threads 2]
 *                            [--images 90] [--no-record]
 */
import { parseArgs } from 'node:util';
import type { NetworkOptions } from '../config/network';
import type { RunResult } from '../config/artifacts';
import { watchCheckpoints } from './support/checkpoint-overlap';
import { bareEpochs, productEpochs, requireSameBits, speciesInput, withLoad, type RunOptions } from './support/epochs';
import { median, quantile } from './support/interleave';
import { killTrainers } from './support/kills';
import { withOwnStack, type OwnStack } from './support/own-stack';
import { record, textOf, type Table } from './support/record';

/** The first epoch of a run compiles; the others are measured. */
const EPOCHS = 3;
const SHORT = { epochs: 11, stepsPerEpoch: 1 };

const parts = {
  epoch: epochTable,
  fixed: fixedTable,
  checkpoints: checkpointTable,
  kills: killTable,
} as const;
type Part = keyof typeof parts;

interface Settings extends Pick<RunOptions, 'threads' | 'images'> {
  readonly rounds: number;
  readonly steps: number;
  readonly kills: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '4' },
      steps: { type: 'string', default: '800' },
      kills: { type: 'string', default: '5' },
      threads: { type: 'string', default: '2' },
      images: { type: 'string', default: '90' },
      'no-record': { type: 'boolean', default: false },
    },
  });
  const names = Object.keys(parts) as Part[];
  const wanted = values.part ?? names;
  const unknown = wanted.filter((part) => !names.includes(part as Part));
  if (unknown.length > 0)
    throw new Error(`durable: --part: got ${unknown.join(', ')}, must be among ${names.join(', ')}.`);
  const { rounds, steps, kills, threads, images } = values;
  const settings: Settings = {
    rounds: Number(rounds),
    steps: Number(steps),
    kills: Number(kills),
    threads: Number(threads),
    images: Number(images),
  };
  await withOwnStack(async (stack) => {
    for (const part of names.filter((name) => wanted.includes(name))) {
      console.log(`\ndurable: ${part}`);
      const table = await parts[part](stack, settings);
      if (!values['no-record']) record([table], ['npm run bench -- durable', ...process.argv.slice(2)].join(' '));
      console.log(`\n${textOf(table)}`);
    }
  });
}

interface Pairs {
  /** Milliseconds of the same epochs, in the same order. */
  readonly product: readonly number[];
  readonly bare: readonly number[];
  readonly checkpoints: number;
  readonly result: RunResult;
}

/** Runs and bare loops in turns; every epoch but the first of each is a pair. */
async function pairsOf(stack: OwnStack, name: string, rounds: number, options: RunOptions): Promise<Pairs> {
  const input = speciesInput(options);
  const product: number[] = [];
  const bare: number[] = [];
  let checkpoints = 0;
  for (let round = 1; ; round++) {
    const ours = await productEpochs(stack, `${name}-${round}`, input);
    const loop = await withLoad(stack, ours.result, input.recipe, (load) => bareEpochs(stack, load));
    requireSameBits(ours, loop);
    product.push(...ours.milliseconds.slice(1));
    bare.push(...loop.slice(1).map(({ milliseconds }) => milliseconds));
    checkpoints += ours.checkpoints;
    console.log(
      `  round ${round} of ${rounds}: ${seconds(ours.milliseconds)} against ${seconds(bare.slice(1 - options.epochs))} s`,
    );
    if (round === rounds) return { product, bare, checkpoints, result: ours.result };
  }
}

async function epochTable(stack: OwnStack, { rounds, steps, ...rest }: Settings): Promise<Table> {
  const checkpointSeconds = 5;
  const pairs = await pairsOf(stack, 'epoch', rounds, {
    epochs: EPOCHS,
    stepsPerEpoch: steps,
    checkpointSeconds,
    ...rest,
  });
  const perEpoch = pairs.checkpoints / (rounds * EPOCHS);
  return {
    bench: 'durable',
    title: `An epoch of ${steps} steps through Temporal and in a bare loop`,
    about:
      `convnet-4, Magnet 12 × 4 images of 48 px, ${rest.threads} threads; ${pairs.bare.length} epochs of each, runs and loops in turns. ` +
      `With heartbeats and ${perEpoch.toFixed(1)} checkpoints an epoch (one every ${checkpointSeconds} s, one at the end); from the end of the ` +
      'refresh before it to its own end, by the history. The bare loop is a process that holds the same session and saves nothing.',
    columns: ['', 's', 'more than the bare loop, s', 'more'],
    rows: [
      ['bare loop', spread(pairs.bare), '–', '–'],
      ['through Temporal', spread(pairs.product), moreSeconds(pairs), moreShare(pairs)],
    ],
    notes: ['Weights, optimizer slots and cached losses are the same bits after every epoch of both.'],
  };
}

async function fixedTable(stack: OwnStack, { rounds, threads, images }: Settings): Promise<Table> {
  const pairs = await pairsOf(stack, 'fixed', rounds, { ...SHORT, checkpointSeconds: 120, threads, images });
  return {
    bench: 'durable',
    title: 'What an epoch costs besides its steps',
    about:
      `The same for epochs of one step, trainer warm; ${pairs.bare.length} of each. What is more is scheduling, loading the index, ` +
      'saving, uploading and committing the checkpoint, and the record of the epoch.',
    columns: ['', 's', 'more than the bare loop, s'],
    rows: [
      ['bare loop', spread(pairs.bare), '–'],
      ['through Temporal', spread(pairs.product), moreSeconds(pairs)],
    ],
    notes: ['Weights, optimizer slots and cached losses are the same bits after every epoch of both.'],
  };
}

async function checkpointTable(stack: OwnStack, { rounds, threads, images }: Settings): Promise<Table> {
  const input = speciesInput({ ...SHORT, epochs: 1, checkpointSeconds: 120, threads, images });
  const { result } = await productEpochs(stack, 'checkpoints', input);
  const networks: readonly { readonly network: NetworkOptions; readonly checkpointSeconds: number }[] = [
    { network: { name: 'convnet-4', inputSize: 48, embeddingSize: 128 }, checkpointSeconds: 0.3 },
    { network: { name: 'googlenet-bn', inputSize: 48, embeddingSize: 1024 }, checkpointSeconds: 2 },
  ];
  const rows: string[][] = [];
  for (const { network, checkpointSeconds } of networks) {
    const { stepMs, checkpoints } = await withLoad(stack, result, { ...input.recipe, network }, (load) =>
      watchCheckpoints(stack, load, { run: `overlap-${network.name}`, epochs: rounds, checkpointSeconds }),
    );
    const sum = (of: (one: (typeof checkpoints)[number]) => number): number =>
      checkpoints.reduce((total, one) => total + of(one), 0);
    const middle = (of: (one: (typeof checkpoints)[number]) => number): number => median(checkpoints.map(of));
    rows.push([
      network.name,
      String(checkpoints.length),
      (middle(({ bytes }) => bytes) / 2 ** 20).toFixed(1),
      stepMs.toFixed(1),
      middle(({ wholeMs }) => wholeMs).toFixed(0),
      middle(({ blockedMs }) => blockedMs).toFixed(0),
      `${((100 * sum(({ blockedMs }) => blockedMs)) / sum(({ wholeMs }) => wholeMs)).toFixed(0)} %`,
      middle(({ steps }) => steps).toFixed(0),
    ]);
  }
  return {
    bench: 'durable',
    title: 'Checkpoints beside training',
    about:
      `Softmax, 48 images of 48 px, ${threads} threads; the product's trainer and host, commits into a local MinIO. A checkpoint is ` +
      'from the step that it holds to its commit; training is blocked while the next step is late. Medians.',
    columns: ['', 'checkpoints', 'MiB', 'step ms', 'checkpoint ms', 'blocked ms', 'blocked share', 'steps meanwhile'],
    rows,
    notes: [],
  };
}

async function killTable(stack: OwnStack, { steps, kills, ...rest }: Settings): Promise<Table> {
  const checkpointSeconds = 2;
  const input = speciesInput({ epochs: EPOCHS, stepsPerEpoch: steps, checkpointSeconds, ...rest });
  const undisturbed = await productEpochs(stack, 'undisturbed', input);
  const killed = await killTrainers(stack, { run: 'killed', input, kills, pauseMs: 3000 });
  if (JSON.stringify(killed.result.digests) !== JSON.stringify(undisturbed.result.digests))
    throw new Error('durable: the killed run ended with other digests than the undisturbed one.');
  if (killed.kills.length === 0)
    throw new Error(`durable: the run ended before its trainer could be killed; give more than ${steps} --steps.`);
  const of = (time: (kill: (typeof killed.kills)[number]) => number): string => spread(killed.kills.map(time));
  const most = Math.max(...killed.kills.map(({ stepMs }) => stepMs)) / 1000;
  return {
    bench: 'durable',
    title: 'SIGKILL of the trainer',
    about:
      `convnet-4, Magnet 12 × 4 images of 48 px, ${rest.threads} threads, a checkpoint every ${checkpointSeconds} s; ` +
      `${killed.kills.length} kills while it trained.`,
    columns: ['from the kill to', 's', 'most'],
    rows: [
      ['the next trainer process', of(({ respawnMs }) => respawnMs), '–'],
      ['the next step of training', of(({ stepMs }) => stepMs), most.toFixed(2)],
    ],
    notes: [
      `Steps made again: ${killed.kills.map(({ reached, resumed }) => reached - resumed + 1).join(', ')}.`,
      'The run ended with the digests of an undisturbed one: weights, index, curve and metrics.',
    ],
  };
}

function spread(milliseconds: readonly number[]): string {
  const [first, middle, third] = [0.25, 0.5, 0.75].map((share) => (quantile(milliseconds, share) / 1000).toFixed(2));
  return `${middle} (${first}–${third})`;
}

/** How much more, epoch by epoch. */
function moreSeconds({ product, bare }: Pairs): string {
  return spread(product.map((ours, i) => ours - bare[i]));
}

function moreShare({ product, bare }: Pairs): string {
  return `${median(product.map((ours, i) => (100 * (ours - bare[i])) / bare[i])).toFixed(1)} %`;
}

function seconds(milliseconds: readonly number[]): string {
  return milliseconds.map((ms) => (ms / 1000).toFixed(2)).join(', ');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
