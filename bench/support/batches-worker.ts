/**
 * How long training waits for its batches, for `preprocess.bench.ts`: whole epochs of the product's session, which reads
 * shard files as a trainer does from its cache. A turn is an epoch; the arguments are the precision of the step and a folder
 * for the shards.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Precision } from '../../engine/compile/bf16';
import { createShardSource } from '../../datasets/shard-source';
import { planShards } from '../../datasets/scan';
import type { BatchSource } from '../../learning/batch-source';
import type { RunIndex } from '../../learning/index/run-index';
import { labelData } from '../../learning/training-data';
import { TrainingSession } from '../../learning/training/session';
import { edgeOf, noisyBytes } from './cases';
import { serveTurns } from './interleave';
import { sessionConfig } from './session-config';

const INPUT_SIZE = 64;
const EDGE = edgeOf(INPUT_SIZE);
const RECORD = EDGE * EDGE * 3;
const SHARD_BYTES = 8 * 1024 * 1024; // activities/preprocessing.ts
const CLASSES = 80;
const PER_CLASS = 60;
const CLUSTERS_PER_CLASS = 2;
const EMBEDDING = 128;
const STEPS = 50;

const [precision, scratch] = process.argv.slice(2) as [Precision, string];

serveTurns(async () => {
  const { source, shards } = await writeShards();
  let waited = 0;
  const timed: BatchSource = {
    ...source,
    read: async (examples) => {
      const begun = performance.now();
      const pixels = await source.read(examples);
      waited += performance.now() - begun;
      return pixels;
    },
  };
  const network = { name: 'convnet-4', inputSize: INPUT_SIZE, embeddingSize: EMBEDDING } as const;
  const config = sessionConfig({ network, stepsPerEpoch: STEPS, precision });
  const session = await TrainingSession.create(config, dataOf(), timed);
  session.beginTraining();
  const index = clusters();
  let epoch = 0;
  return {
    note: `${CLASSES * PER_CLASS} images in ${shards} shards, ${STEPS} steps an epoch`,
    turn: async () => {
      waited = 0;
      const begun = performance.now();
      await session.trainEpoch(++epoch, index, {
        onStep: () => undefined,
        afterStep: () => new Promise((resolve) => setImmediate(resolve)), // as the trainer does after each step
        shouldStop: () => false,
      });
      return { milliseconds: (performance.now() - begun) / STEPS, waitedMs: waited / STEPS };
    },
  };
});

/** As preprocessing leaves them: class after class, in files of 8 MiB. */
async function writeShards(): Promise<{ source: BatchSource; shards: number }> {
  const cut = planShards([...Array(CLASSES * PER_CLASS).keys()], RECORD, SHARD_BYTES);
  const pixels = noisyBytes(SHARD_BYTES);
  const folder = await mkdtemp(join(scratch, 'shards-'));
  const paths = cut.map((_, shard) => join(folder, String(shard)));
  for (const [shard, records] of cut.entries())
    await writeFile(paths[shard], pixels.subarray(0, records.length * RECORD));
  const records = cut.flatMap((own, shard) =>
    own.map((example, position) => ({ ...recordOf(example), shard, position })),
  );
  const view = { edge: EDGE, channels: 3 as const, invert: false };
  const shards = cut.map((own) => ({ sha256: '', records: own.length }));
  return { source: createShardSource({ view, records, shards }, paths), shards: cut.length };
}

function recordOf(example: number) {
  const kind = String(Math.floor(example / PER_CLASS)).padStart(2, '0');
  return { path: `${kind}/${example}.jpg`, sha256: '', split: 'train' as const, labels: { kind }, attributes: {} };
}

function dataOf() {
  const records = Array.from({ length: CLASSES * PER_CLASS }, (_, example) => recordOf(example));
  return labelData(records, { label: 'kind', fineLabel: null, pairing: null, trainOn: 'train' });
}

/** Of each class two clusters, with arbitrary centroids. */
function clusters(): RunIndex {
  const count = CLASSES * CLUSTERS_PER_CLASS;
  const perCluster = PER_CLASS / CLUSTERS_PER_CLASS;
  return {
    type: 'clusters',
    centroids: Float32Array.from(noisyBytes(count * EMBEDDING), (byte) => byte / 255),
    clusterClass: Int32Array.from({ length: count }, (_, cluster) => Math.floor(cluster / CLUSTERS_PER_CLASS)),
    assignments: Int32Array.from({ length: CLASSES * PER_CLASS }, (_, example) => Math.floor(example / perCluster)),
    variance: 1,
    embeddingSize: EMBEDDING,
  };
}
