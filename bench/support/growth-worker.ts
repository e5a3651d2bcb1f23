/**
 * One size of what a bench of growth measures, in a process of its own: a refresh's bookkeeping on embeddings that are made
 * up, or whole steps of a small network on a set that is. Argument: the task as JSON.
 */
import { performance } from 'node:perf_hooks';
import type { MagnetOptions } from '../../config/objective';
import { buildClusterIndex } from '../../learning/index/cluster';
import type { ClusterIndex } from '../../learning/index/run-index';
import { rngFor } from '../../learning/random';
import { magnetSampler } from '../../learning/sampling/magnet';
import { classesOf, labelData, type TrainingData } from '../../learning/training-data';
import { edgeOf } from './cases';
import { endlessSession, noisySource } from './endless-session';
import { median, medianStep, serveTurns, type Work } from './interleave';
import { heaps } from './made-up';
import { sessionConfig } from './session-config';

export type GrowthTask =
  | { readonly type: 'refresh'; readonly images: number; readonly classes: number; readonly clustersPerClass: number }
  | { readonly type: 'step'; readonly images: number; readonly clusters: number };

const EMBEDDING_SIZE = 128;
const STEPS = 40;
const INPUT_SIZE = 16;
/** Images that are kept in memory: more would measure the memory of the bench. */
const KEPT = 1000;
const magnet: MagnetOptions = {
  learningRate: 0.01,
  alpha: 1,
  globalScaling: 1,
  clustersPerClass: 8,
  clustersPerBatch: 4,
  examplesPerCluster: 2,
};

const task = JSON.parse(process.argv[2] ?? '') as GrowthTask;

serveTurns((): Work => (task.type === 'refresh' ? refresh(task) : steps(task)));

/** What a refresh does once everything is embedded, from K-means++ on, and what an epoch does before its first step. */
function refresh({ images, classes, clustersPerClass }: GrowthTask & { type: 'refresh' }): Work {
  const data = setOf(images, classes);
  const embeddings = heaps({ rows: images, embeddingSize: EMBEDDING_SIZE, heaps: classes * clustersPerClass, seed: 1 });
  const seen = Uint8Array.from({ length: images }, () => 1);
  const once = (): ClusterIndex => {
    const { index } = buildClusterIndex({
      embeddings,
      embeddingSize: EMBEDDING_SIZE,
      classes: classesOf(data, data.train, 'trained'),
      classNames: data.classes,
      clustersPerClass,
      previous: null,
      seed: 1,
      epoch: 1,
    });
    const sampler = magnetSampler({ ...magnet, clustersPerBatch: 12, examplesPerCluster: 4 }, data, index, 1);
    sampler.restore({ losses: new Float32Array(images).fill(1), seen });
    sampler.draw(1, 0);
    return index;
  };
  const { clusterClass, variance } = once();
  return {
    note: `${clusterClass.length} clusters, σ² ${variance.toFixed(2)}`,
    turn: () => {
      const begun = performance.now();
      once();
      return Promise.resolve(performance.now() - begun);
    },
  };
}

function steps({ images, clusters }: GrowthTask & { type: 'step' }): Work {
  const data = setOf(images, Math.min(clusters, Math.max(2, clusters / 10)));
  const index = indexOf(data, clusters);
  const config = sessionConfig({
    network: { name: 'convnet-4', inputSize: INPUT_SIZE, embeddingSize: EMBEDDING_SIZE },
    objective: { type: 'magnet', ...magnet },
    optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    precision: 'float32',
  });
  const step = endlessSession({ config, data, source: noisySource(edgeOf(INPUT_SIZE), KEPT), index });
  const micros = samplerMicros(data, index);
  return {
    note: `${data.classes.length} classes`,
    values: { samplerMicros: micros },
    turn: () => medianStep(STEPS, step),
  };
}

/** Of a step: a draw, and the record of its losses; of a batch of the paper's size. */
function samplerMicros(data: TrainingData, index: ClusterIndex): number {
  const sampler = magnetSampler({ ...magnet, clustersPerBatch: 12, examplesPerCluster: 4 }, data, index, 1);
  const times = Array.from({ length: 1000 }, (_, step) => {
    const begun = performance.now();
    const { trainRows } = sampler.draw(1, step);
    sampler.record(
      trainRows,
      Float32Array.from(trainRows, (row) => row % 7),
    );
    return 1000 * (performance.now() - begun);
  });
  return median(times.slice(200)); // compiled by then
}

function setOf(images: number, classes: number): TrainingData {
  const records = Array.from({ length: images }, (_, i) => ({
    path: `${i}.png`,
    split: 'train' as const,
    labels: { kind: String(Math.floor((i * classes) / images)).padStart(6, '0') },
  }));
  return labelData(records, { label: 'kind', fineLabel: null, pairing: null, trainOn: 'train' });
}

/** Equal shares of the images, in order, so that none crosses a class; centroids at random. */
function indexOf(data: TrainingData, clusters: number): ClusterIndex {
  const images = data.train.length;
  const assignments = Int32Array.from({ length: images }, (_, i) => Math.floor((i * clusters) / images));
  const rng = rngFor(1, 'bench centroids');
  return {
    type: 'clusters',
    centroids: Float32Array.from({ length: clusters * EMBEDDING_SIZE }, () => rng.normal()),
    clusterClass: Int32Array.from({ length: clusters }, (_, cluster) =>
      Math.floor((cluster * data.classes.length) / clusters),
    ),
    assignments,
    variance: 1,
    embeddingSize: EMBEDDING_SIZE,
  };
}
