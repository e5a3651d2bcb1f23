/**
 * A run small enough to be repeated dozens of times: four classes of eight noisy pictures, a network of 16 pixels, ten
 * steps in all.
 */
import { createHash } from 'node:crypto';
import type { Objective } from '../../../config/objective';
import type { BatchSource } from '../../../learning/batch-source';
import type { RunIndex } from '../../../learning/index/run-index';
import { rngFor } from '../../../learning/random';
import { TrainingSession, type EpochHooks, type SessionConfig } from '../../../learning/training/session';
import type { SessionState } from '../../../learning/training/state';
import { labelData, type TrainingData } from '../../../learning/training-data';

const CLASSES = 4;
const PER_CLASS = 10; // eight to train on, one to validate and one to test
const EDGE = 21;

export const data: TrainingData = labelData(
  Array.from({ length: CLASSES * PER_CLASS }, (_, i) => ({
    path: `${i}.png`,
    split: i % PER_CLASS < 8 ? 'train' : i % PER_CLASS === 8 ? 'validation' : 'test',
    labels: { kind: `kind ${Math.floor(i / PER_CLASS)}` },
  })),
  { label: 'kind', fineLabel: null, pairing: null, trainOn: 'train' },
);

/** Each class has a brightness and a grain of its own. */
export const source: BatchSource = {
  edge: EDGE,
  channels: 3,
  read: (examples) => Promise.resolve(Uint8Array.from(examples.flatMap((i) => picture(i)))),
};

function picture(example: number): number[] {
  const rng = rngFor(5, 'picture', example);
  const kind = Math.floor(example / PER_CLASS);
  return Array.from(
    { length: EDGE * EDGE * 3 },
    (_, i) => (i % (kind + 2) < 1 ? 180 : 40 + 20 * kind) + rng.nextInt(40),
  );
}

export const objectives: Readonly<Record<Objective['type'], Objective>> = {
  softmax: { type: 'softmax', learningRate: 1e-3, batchSize: 16 },
  triplet: { type: 'triplet', learningRate: 3e-4, alpha: 3, triplets: 4, impostorFraction: 0.5, normalise: true },
  magnet: {
    type: 'magnet',
    learningRate: 1e-3,
    alpha: 9, // no loss reaches 0, so that every step moves every weight
    globalScaling: 1,
    clustersPerClass: 2,
    clustersPerBatch: 4,
    examplesPerCluster: 2,
  },
};

export function configFor(objective: Objective, changes: Partial<SessionConfig> = {}): SessionConfig {
  return {
    network: { name: 'convnet-4', inputSize: 16, embeddingSize: 8 },
    objective,
    optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    warmStart: { epochs: 2, learningRate: 1e-3, batchSize: 16 },
    epochs: 2,
    stepsPerEpoch: 3,
    annealTo: 0.1,
    seed: 11,
    views: 1,
    kernels: 'proven',
    compile: false,
    precision: 'float32',
    ...changes,
  };
}

/** An index as a refresh would leave it, of arbitrary numbers. */
export function indexFor(objective: Objective): RunIndex | null {
  const embeddingSize = 8;
  const rng = rngFor(3, 'index');
  const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => rng.normal());
  switch (objective.type) {
    case 'softmax':
      return null;
    case 'triplet':
      return { type: 'embeddings', embeddings: numbers(data.train.length * embeddingSize), embeddingSize };
    case 'magnet':
      return {
        type: 'clusters',
        centroids: numbers(CLASSES * 2 * embeddingSize),
        clusterClass: Int32Array.from({ length: CLASSES * 2 }, (_, cluster) => Math.floor(cluster / 2)),
        assignments: Int32Array.from(data.train, (_, row) => Math.floor(row / 4)),
        variance: 1,
        embeddingSize,
      };
  }
}

export const never: EpochHooks = { onStep: () => {}, afterStep: () => Promise.resolve(), shouldStop: () => false };

/** Trains on from wherever the session is to the end of the run; stops before step `stopAfter + 1` counted from now. */
export async function trainOn(
  session: TrainingSession,
  { warmStart, epochs, objective }: SessionConfig,
  hooks: EpochHooks = never,
): Promise<'finished' | 'stopped'> {
  if (session.position.phase === 'warm-start') {
    for (let epoch = Math.max(1, session.position.epoch); epoch <= warmStart.epochs; epoch++) {
      if ((await session.trainEpoch(epoch, null, hooks)) === 'stopped') return 'stopped';
    }
    session.beginTraining();
  }
  for (let epoch = Math.max(1, session.position.epoch); epoch <= epochs; epoch++) {
    if ((await session.trainEpoch(epoch, indexFor(objective), hooks)) === 'stopped') return 'stopped';
  }
  return 'finished';
}

/** Creates a session, uses it and disposes it. */
export async function withSession<T>(config: SessionConfig, use: (session: TrainingSession) => Promise<T>): Promise<T> {
  const session = await TrainingSession.create(config, data, source);
  try {
    return await use(session);
  } finally {
    session.dispose();
  }
}

/** Hooks under which the session stops after `steps` steps. */
export function stopAfter(steps: number): EpochHooks {
  let done = 0;
  return {
    ...never,
    onStep: () => {
      done++;
    },
    shouldStop: () => done >= steps,
  };
}

/** Of every bit of a state. */
export function digestOf({ position, tensors, curve }: SessionState): string {
  const hash = createHash('sha256').update(JSON.stringify({ position, curve }));
  for (const [name, { dtype, shape, values }] of tensors) {
    hash.update(`${name} ${dtype} ${shape.join('x')}`);
    hash.update(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}
