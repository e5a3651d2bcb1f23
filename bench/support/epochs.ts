/**
 * Epochs of one run through the product and in a bare loop: how long each took, and that both led to the same bits.
 * Knows the product by what it leaves: its history and its store.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { withDataSet, type LocalDataSet } from '../../activities/data-set';
import { trainerFlags } from '../../activities/trainer/spawn';
import type { LoadSpec } from '../../activities/trainer/protocol';
import { CheckpointManifest, type RunResult } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import type { TrainPipelineInput } from '../../config/workflow-input';
import { spawnEnvironment } from '../../engine/environment';
import { LocalCache } from '../../storage/cache';
import { readManifest } from '../../storage/commits';
import { runLayout } from '../../storage/run-layout';
import type { BareEpoch } from './bare-epochs-worker';
import { activityTimes, type OwnStack } from './own-stack';

export interface RunOptions {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly checkpointSeconds: number;
  readonly threads: number;
  /** Of each of 48 drawn species. */
  readonly images: number;
}

/** Magnet on the procedural set, as its recipe has it but for the length. */
export function speciesInput(options: RunOptions): TrainPipelineInput {
  const { epochs, stepsPerEpoch, checkpointSeconds, threads, images } = options;
  const recipe = Recipe.parse({
    data: { label: 'coarse', fineLabel: 'fine' },
    network: { name: 'convnet-4', inputSize: 48, embeddingSize: 128 },
    magnet: { clustersPerClass: 16 },
    warmStart: { epochs: 1 },
    epochs,
    stepsPerEpoch,
    checkpointSeconds,
    engine: { threads },
  });
  const data = {
    type: 'species',
    seed: 0,
    coarseClasses: 3,
    speciesPerClass: 16,
    imagesPerSpecies: images,
    size: 48,
  } as const;
  return { version: 1, data, recipe, shared: null, carried: null };
}

export interface ProductEpochs {
  readonly result: RunResult;
  /** Of each epoch of the objective, from the end of the refresh before it to its own end. */
  readonly milliseconds: readonly number[];
  /** sha256 of the checkpoint that ended each. */
  readonly states: readonly string[];
  /** Committed inside epochs and at their ends. */
  readonly checkpoints: number;
}

export async function productEpochs(stack: OwnStack, run: string, input: TrainPipelineInput): Promise<ProductEpochs> {
  const { warmStart, stepsPerEpoch } = input.recipe;
  const handle = await stack.start(run, input);
  const { result } = await handle.result();
  const times = await activityTimes(handle);
  const milliseconds = times.flatMap(({ type, completedMs }, i) =>
    type === 'trainEpoch' ? [completedMs - times[i - 1].completedMs] : [],
  );
  const states: string[] = [];
  let checkpoints = 0;
  for await (const key of stack.store.list(runLayout(run).checkpoints('train'))) {
    const manifest = await readManifest(stack.store, key, CheckpointManifest);
    checkpoints++;
    if (manifest?.position.step === stepsPerEpoch) states[manifest.position.epoch - 1] = manifest.tensors.sha256;
  }
  return { result, milliseconds: milliseconds.slice(Math.max(1, warmStart.epochs)), states, checkpoints };
}

/** The data set of a finished run as local files, and how a trainer is told to load it. */
export function withLoad<T>(
  { store, folder }: OwnStack,
  { dataSet }: RunResult,
  recipe: Recipe,
  use: (load: LoadSpec) => Promise<T>,
): Promise<T> {
  const cache = new LocalCache(join(folder, 'cache'), { maxBytes: 2 ** 40 });
  const loadOf = ({ manifestPath: manifest, shards }: LocalDataSet): LoadSpec => ({ recipe, manifest, shards });
  return withDataSet({ store, cache, directory: folder }, dataSet, (local) => use(loadOf(local)));
}

/** The same epochs in a process as a trainer is one, without anything around it. */
export async function bareEpochs(stack: OwnStack, load: LoadSpec): Promise<BareEpoch[]> {
  const folder = mkdtempSync(join(stack.folder, 'bare-'));
  const threads = load.recipe.engine.threads ?? 1;
  const child = spawn(
    process.execPath,
    [...trainerFlags, join(__dirname, 'bare-epochs-worker.js'), JSON.stringify({ load, folder })],
    {
      env: { ...process.env, ...spawnEnvironment(threads, { oneDnn: true, deterministic: true }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const epochs: BareEpoch[] = [];
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith('{')) epochs.push(JSON.parse(line) as BareEpoch); // libraries print too
  const code = await ended;
  if (code !== 0) throw new Error(`bare loop: ended with code ${code ?? '?'}; what it printed above says why.`);
  return epochs;
}

/** Throws unless both led to the same weights, slots and cached losses after each epoch. */
export function requireSameBits(product: ProductEpochs, bare: readonly BareEpoch[]): void {
  const other = bare.filter(({ state }, i) => state !== product.states[i]).map(({ epoch }) => epoch);
  if (bare.length === product.states.length && other.length === 0) return;
  throw new Error(
    `durable: the bare loop leads to other bits than the product after epoch ${other.join(', ') || '?'}: ` +
      'they did not do the same work, and no times of theirs may be compared.',
  );
}
