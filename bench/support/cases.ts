/**
 * What the engine's benches measure: networks, objectives, batches. Shared by our workers and, as JSON on the command
 * line, by the peers' (bench/peers/torch_worker.py), so that both run the same thing.
 */
import type { NetworkOptions } from '../../config/network';

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly network: NetworkOptions;
  readonly images: number;
  /** Timed in a turn, after one that is not. */
  readonly steps: number;
}

export interface TrainCase extends Case {
  readonly objective:
    | { readonly type: 'softmax'; readonly classes: number }
    | { readonly type: 'magnet'; readonly clusters: number; readonly perCluster: number };
  /** Ours as a training session runs it: with sampling, reading of the batch and the record of the curve. */
  readonly wholeSession: boolean;
}

export const trainCases: readonly TrainCase[] = [
  {
    name: 'googlenet-softmax',
    title: 'GoogLeNet-BN, softmax, 8 images of 224 px',
    network: { name: 'googlenet-bn', inputSize: 224, embeddingSize: 1024 },
    objective: { type: 'softmax', classes: 100 },
    images: 8,
    steps: 3,
    wholeSession: false,
  },
  {
    name: 'googlenet-magnet',
    title: 'GoogLeNet-BN, Magnet, 12 × 4 images of 64 px',
    network: { name: 'googlenet-bn', inputSize: 64, embeddingSize: 1024 },
    objective: { type: 'magnet', clusters: 12, perCluster: 4 },
    images: 48,
    steps: 4,
    wholeSession: false,
  },
  {
    name: 'googlenet-magnet-224',
    title: 'GoogLeNet-BN, Magnet, 12 × 4 images of 224 px',
    network: { name: 'googlenet-bn', inputSize: 224, embeddingSize: 1024 },
    objective: { type: 'magnet', clusters: 12, perCluster: 4 },
    images: 48,
    steps: 1,
    wholeSession: false,
  },
  {
    name: 'convnet-magnet',
    title: 'convnet-4, Magnet, 12 × 4 images of 64 px',
    network: { name: 'convnet-4', inputSize: 64, embeddingSize: 128 },
    objective: { type: 'magnet', clusters: 12, perCluster: 4 },
    images: 48,
    steps: 10,
    wholeSession: false,
  },
  {
    name: 'floor',
    title: 'Dispatch floor: convnet-4, Magnet, 4 × 2 images of 16 px, ours with sampling, reading and curve',
    network: { name: 'convnet-4', inputSize: 16, embeddingSize: 128 },
    objective: { type: 'magnet', clusters: 4, perCluster: 2 },
    images: 8,
    steps: 50,
    wholeSession: true,
  },
];

export const forwardCases: readonly Case[] = [
  {
    name: 'googlenet-224',
    title: 'GoogLeNet-BN, 32 images of 224 px',
    network: { name: 'googlenet-bn', inputSize: 224, embeddingSize: 1024 },
    images: 32,
    steps: 3,
  },
  {
    name: 'convnet-64',
    title: 'convnet-4, 64 images of 64 px',
    network: { name: 'convnet-4', inputSize: 64, embeddingSize: 128 },
    images: 64,
    steps: 20,
  },
];

/** Edge of a stored image (the augmentation crops at up to 1.3). */
export function edgeOf(inputSize: number): number {
  return Math.ceil(1.3 * inputSize);
}

/** Bytes without a pattern that a kernel could profit from. */
export function noisyBytes(count: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

/** The case of that name, as a worker finds its own. */
export function caseNamed<T extends Case>(cases: readonly T[], name: string): T {
  const found = cases.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new Error(`bench: got the case "${name}", must be one of ${cases.map((one) => one.name).join(', ')}`);
}
