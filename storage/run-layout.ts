/**
 * Where everything lies: the keys of a run's and of a data set's objects, and nothing else.
 *
 * Content-named (their digest is that of their bytes): blobs, checkpoints, data set manifests. Named by the digest of their
 * inputs (S5): epoch records, indices, evaluations, parts of embeddings, shard reports. Views that may be made again from these and are
 * replaced when a run goes further: result, report. Events and the profile are outside every digest (S6).
 */
import type { Phase } from '../config/artifacts';

export interface RunLayout {
  /** Begins every key of the run. */
  readonly prefix: string;
  readonly blobs: string;
  /** What the name is bound to (S9). */
  readonly bind: string;
  /** The data set that the name is bound to. */
  readonly dataSet: string;
  readonly result: string;
  readonly report: string;
  /** Times of the steps of the epoch that was profiled last. */
  readonly profile: string;
  readonly events: string;
  checkpoints(phase: Phase): string;
  checkpoint(phase: Phase, globalStep: number, digest: string): string;
  /** Begins the keys of all epochs' records. */
  readonly epochs: string;
  /** @param inputs digest of the checkpoint and the index that the epoch started from */
  epoch(phase: Phase, epoch: number, inputs: string): string;
  readonly indices: string;
  /** @param inputs digest of the checkpoint and the previous index */
  index(inputs: string): string;
  /** @param inputs digest of the checkpoint, the index and the data set */
  evaluation(inputs: string): string;
  /** Begins the keys of all parts of embeddings. */
  readonly parts: string;
  /** @param inputs digest of the checkpoint, the data set and which of its examples */
  embeddings(inputs: string): string;
  event(name: string): string;
}

export const runsPrefix = 'runs/';

export function runLayout(run: string): RunLayout {
  const prefix = `${runsPrefix}${run}/`;
  return {
    prefix,
    blobs: `${prefix}blobs/`,
    bind: `${prefix}run.json`,
    dataSet: `${prefix}data-set.json`,
    result: `${prefix}result.json`,
    report: `${prefix}report.html`,
    profile: `${prefix}profile.json`,
    events: `${prefix}events/`,
    checkpoints: (phase) => `${prefix}${phase}/`,
    checkpoint: (phase, globalStep, digest) => `${prefix}${phase}/${padded(globalStep)}/${digest}.json`,
    epochs: `${prefix}epochs/`,
    epoch: (phase, epoch, inputs) => `${prefix}epochs/${phase}-${epoch}-${inputs}.json`,
    indices: `${prefix}indices/`,
    index: (inputs) => `${prefix}indices/${inputs}.json`,
    evaluation: (inputs) => `${prefix}evaluations/${inputs}.json`,
    parts: `${prefix}embeddings/`,
    embeddings: (inputs) => `${prefix}embeddings/${inputs}/`,
    event: (name) => `${prefix}events/${name}`,
  };
}

/** Data sets and their shards are shared by content between runs. */
export const dataSets = {
  blobs: 'datasets/blobs/',
  /** @param inputs digest of the ordered content of the shard's files and of the view */
  shardReport: (inputs: string) => `datasets/shards/${inputs}.json`,
  manifest: (digest: string) => `datasets/${digest}/manifest.json`,
} as const;

/** Ten digits, so that the order of keys is the order of steps. */
function padded(globalStep: number): string {
  return String(globalStep).padStart(10, '0');
}
