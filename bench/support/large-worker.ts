/**
 * A large data set from the local cache, as a trainer uses it, but for the network: its embeddings and its losses are made
 * up. Says after each phase what it took and the most memory that the process had held. Argument: the task as JSON.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { withDataSet, type LocalDataSet } from '../../activities/data-set';
import { readIndex, writeIndex } from '../../activities/trainer/files';
import type { ObjectRef } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import { createShardSource } from '../../datasets/shard-source';
import type { BatchSource } from '../../learning/batch-source';
import { validationErrorOf } from '../../learning/evaluation';
import { buildClusterIndex } from '../../learning/index/cluster';
import { magnetSampler } from '../../learning/sampling/magnet';
import { classesOf, labelData, type TrainingData } from '../../learning/training-data';
import { inputStatistics } from '../../learning/training/input-statistics';
import { LocalCache } from '../../storage/cache';
import { FileStore } from '../../storage/file-store';
import { LABEL, placesIn } from './large-set';
import { heaps } from './made-up';
import { inPhase, type Phase } from './phases';

export interface LargeTask {
  readonly folder: string;
  readonly dataSet: ObjectRef;
  readonly embeddingSize: number;
  readonly clustersPerClass: number;
}

export interface LargePhase extends Phase {
  /** Read in this phase. */
  readonly images?: number;
}

/** As learning/training/embedding.ts reads them. */
const EMBEDDED_AT_ONCE = 64;

async function main({ folder, dataSet, embeddingSize, clustersPerClass }: LargeTask): Promise<void> {
  const { store, cache } = placesIn(folder);
  const services = {
    store: new FileStore(store),
    cache: new LocalCache(cache, { maxBytes: 2 ** 40 }),
    directory: folder,
  };
  const open = (): Promise<LocalDataSet> => withDataSet(services, dataSet, (local) => Promise.resolve(local));
  await inPhase('opened first, every shard hashed', open);
  const { manifest, shards } = await inPhase('opened again, by marks', open);

  const data = labelData(manifest.records, { label: LABEL, fineLabel: null, pairing: null, trainOn: 'train' });
  const source = createShardSource(manifest, shards);
  await inPhase(
    'mean and deviation',
    () => inputStatistics(data, source),
    () => ({ images: Math.min(4096, data.train.length) }),
  );
  const embedded = [...data.train, ...data.validation];
  await inPhase(
    'read as a refresh reads',
    () => readAll(source, embedded),
    (images) => ({ images }),
  );

  const recipe = Recipe.parse({ objective: 'magnet', magnet: { clustersPerClass } });
  const clusters = data.classes.length * clustersPerClass;
  const embeddings = await inPhase('embeddings made up', () =>
    heaps({ rows: embedded.length, embeddingSize, heaps: clusters, seed: 1 }),
  );
  const trainEmbeddings = embeddings.subarray(0, data.train.length * embeddingSize);
  const classes = classesOf(data, data.train, 'trained');
  const { index } = await inPhase('clusters', () =>
    buildClusterIndex({
      embeddings: trainEmbeddings,
      embeddingSize,
      classes,
      classNames: data.classes,
      clustersPerClass,
      previous: null,
      seed: 1,
      epoch: 1,
    }),
  );
  await inPhase('validation error', () =>
    validationErrorOf({
      data,
      objective: { type: 'magnet', ...recipe.magnet },
      evaluation: recipe.evaluation,
      index,
      runningVariance: null,
      trainEmbeddings,
      validationEmbeddings: embeddings.subarray(trainEmbeddings.length),
      embeddingSize,
      headScores: () => null,
    }),
  );
  mkdirSync(join(folder, 'scratch'), { recursive: true });
  const file = join(folder, 'scratch', 'index.safetensors');
  const stored = await inPhase('index written and read', async () => {
    await writeIndex(file, index);
    return readIndex({ digest: '', tensors: file });
  });
  if (stored.type !== 'clusters') throw new Error(`large: got an index of ${stored.type}, must be clusters`);
  await inPhase(
    'an epoch of batches drawn and read',
    () => readEpoch(data, source, stored, recipe),
    (images) => ({ images }),
  );
}

async function readAll(source: BatchSource, examples: readonly number[]): Promise<number> {
  for (let start = 0; start < examples.length; start += EMBEDDED_AT_ONCE)
    await source.read(examples.slice(start, start + EMBEDDED_AT_ONCE));
  return examples.length;
}

async function readEpoch(
  data: TrainingData,
  source: BatchSource,
  index: Parameters<typeof magnetSampler>[2],
  { magnet }: Recipe,
): Promise<number> {
  const sampler = magnetSampler(magnet, data, index, 1);
  const steps = Math.ceil(data.train.length / (magnet.clustersPerBatch * magnet.examplesPerCluster));
  let images = 0;
  for (let step = 0; step < steps; step++) {
    const { examples, trainRows } = sampler.draw(1, step);
    const pixels = await source.read(examples);
    sampler.record(
      trainRows,
      Float32Array.from(trainRows, (_, i) => pixels[i] / 255),
    ); // any losses, but all of the batch
    images += examples.length;
  }
  return images;
}

main(JSON.parse(process.argv[2] ?? '') as LargeTask).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
