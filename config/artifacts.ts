/**
 * The JSON that lodestone stores, with its schemas: what is read back from a store is parsed here first.
 * Only deterministic fields stand in manifests (S1); times, rates, hosts and attempts go to events (S6).
 */
import { z } from 'zod';
import { ObjectiveName } from './objective';

export const splitNames = ['train', 'validation', 'test'] as const;
export const SplitName = z.enum(splitNames);
export type SplitName = z.infer<typeof SplitName>;

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');

/** An object by reference: `s3://bucket/key` or `file:key`, never a host and port (E2). */
export const ObjectRef = z.strictObject({ uri: z.string().min(1), sha256: Sha256, bytes: z.int().min(0) });
export type ObjectRef = z.infer<typeof ObjectRef>;

const Labels = z.record(z.string(), z.string());

export const ScanManifest = z.strictObject({
  version: z.literal(1),
  root: z.string(),
  choice: z.strictObject({ label: z.string(), fineLabel: z.string().optional() }),
  records: z.array(
    z.strictObject({ path: z.string(), sha256: Sha256, split: SplitName, labels: Labels, attributes: Labels }),
  ),
  notes: z.array(z.string()),
});

const Quarantined = z.strictObject({
  path: z.string(),
  kind: z.enum(['empty', 'unsupported', 'corrupt', 'giant', 'unreadable']),
  reason: z.string(),
});

/** What packing one shard said; the shard's bytes are the blob of its sha256. */
export const ShardReport = z.strictObject({
  sha256: Sha256,
  paths: z.array(z.string()),
  quarantined: z.array(Quarantined),
  notes: z.array(z.strictObject({ path: z.string(), note: z.string() })),
});

export const DataSetManifest = z.strictObject({
  version: z.literal(1),
  view: z.strictObject({ edge: z.int(), channels: z.union([z.literal(1), z.literal(3)]), invert: z.boolean() }),
  records: z.array(
    z.strictObject({
      path: z.string(),
      sha256: Sha256,
      split: SplitName,
      labels: Labels,
      attributes: Labels,
      shard: z.int(),
      position: z.int(),
    }),
  ),
  shards: z.array(z.strictObject({ sha256: Sha256, records: z.int() })),
  quarantined: z.array(Quarantined),
  duplicates: z.array(
    z.strictObject({ sha256: Sha256, members: z.array(z.strictObject({ path: z.string(), split: SplitName })) }),
  ),
  notes: z.array(z.string()),
});

export const phases = ['warm-start', 'train'] as const;
export const Phase = z.enum(phases);
export type Phase = z.infer<typeof Phase>;

/** How far a state has come: `step` steps of `epoch` (from 1) of a phase are done; epoch 0 step 0 is the beginning. */
export const Position = z.strictObject({
  phase: Phase,
  epoch: z.int().min(0),
  step: z.int().min(0),
  globalStep: z.int().min(0),
});
export type Position = z.infer<typeof Position>;

/** What decided the bits where something was computed (engine/fingerprint.ts). */
export const Fingerprint = z.record(z.string(), z.string());
export type Fingerprint = z.infer<typeof Fingerprint>;

/** A checkpoint: one commit of weights, slots, loss cache and the curve rows of its epoch so far (S6). */
export const CheckpointManifest = z.strictObject({
  version: z.literal(1),
  position: Position,
  /** State digest of the checkpoint that it grew from (S4); null: the initial weights. */
  parent: Sha256.nullable(),
  tensors: ObjectRef,
  curve: ObjectRef,
  /** Digest of the index in use; null before the first refresh. */
  index: Sha256.nullable(),
  seed: z.int(),
  fingerprint: Fingerprint,
  /** Of others that made steps of its epoch which it grew from (its parent is the epoch's start); left out: none. */
  otherFingerprints: z.array(Fingerprint).optional(),
});
export type CheckpointManifest = z.infer<typeof CheckpointManifest>;

/** A committed checkpoint as workflows hand it on; `digest` is the sha256 of its manifest. */
export const CheckpointRef = z.strictObject({ manifest: ObjectRef, digest: Sha256, position: Position });
export type CheckpointRef = z.infer<typeof CheckpointRef>;

export const IndexManifest = z.strictObject({
  version: z.literal(1),
  type: z.enum(['clusters', 'embeddings']),
  checkpoint: Sha256,
  previous: Sha256.nullable(),
  tensors: ObjectRef,
  /** Exact σ² of the training embeddings to their centroids; null without clusters. */
  variance: z.number().nullable(),
  clusters: z.int(),
  /** Error of the epoch's weights on the validation split, labels as trained; null without validation records. */
  validationError: z.number().nullable(),
  warnings: z.array(z.string()),
  /** Left out: made by a version that did not say. */
  fingerprint: Fingerprint.optional(),
});
export type IndexManifest = z.infer<typeof IndexManifest>;

/** Consecutive embeddings of a state, kept so that a refresh or evaluation that dies loses only its last ones (S7). */
export const EmbeddingPart = z.strictObject({
  version: z.literal(1),
  /** From 0, in parts of one size. */
  part: z.int().min(0),
  tensors: ObjectRef,
});
export type EmbeddingPart = z.infer<typeof EmbeddingPart>;

export const IndexRef = z.strictObject({ manifest: ObjectRef, digest: Sha256, validationError: z.number().nullable() });
export type IndexRef = z.infer<typeof IndexRef>;

/** One step of the training curve. */
export const CurveRow = z.strictObject({
  step: z.int(),
  epoch: z.int(),
  loss: z.number(),
  /** Share of the batch whose loss says "wrong": softmax misclassified, triplet and Magnet loss > 0. */
  error: z.number(),
  /** Batch σ̂² of eq. 5; null for objectives without it. */
  variance: z.number().nullable(),
});
export type CurveRow = z.infer<typeof CurveRow>;

/** Errors are shares in [0, 1]. */
const ErrorRates = z.strictObject({ error1: z.number(), error5: z.number().nullable() });

export const Readout = z.strictObject({
  /** softmax-head | knc | soft-knn | soft-knn-plain (τ = 1, raw) | knc-refit | knc-histogram | one-nn */
  name: z.enum(['softmax-head', 'knc', 'soft-knn', 'soft-knn-plain', 'knc-refit', 'knc-histogram', 'one-nn']),
  labels: z.enum(['trained', 'fine']),
  /** What was chosen on validation; null where there was nothing to choose. */
  setting: z.strictObject({ normalised: z.boolean(), temperature: z.number().nullable() }).nullable(),
  split: z.enum(['validation', 'test']),
  ...ErrorRates.shape,
});
export type Readout = z.infer<typeof Readout>;

const Retrieval = z.strictObject({
  precision1: z.number(),
  recall: z.record(z.string(), z.number()),
  mapAtR: z.number(),
});

export const Evaluation = z.strictObject({
  version: z.literal(1),
  objective: ObjectiveName,
  checkpoint: Sha256,
  index: Sha256,
  dataSet: Sha256,
  labels: z.strictObject({ trained: z.string(), fine: z.string().nullable() }),
  counts: z.strictObject({
    train: z.int(),
    validation: z.int(),
    test: z.int(),
    classes: z.int(),
    fineClasses: z.int().nullable(),
  }),
  readouts: z.array(Readout),
  /** The read-out whose error is the run's (METHOD §4): per kind of labels. */
  headline: z.strictObject({ trained: Readout, fine: Readout.nullable() }),
  retrieval: z.strictObject({ trained: Retrieval, fine: Retrieval.nullable() }),
  baselines: z.strictObject({
    chance: z.strictObject({ trained: z.number(), fine: z.number().nullable() }),
    rawPixels: z.strictObject({ trained: z.number(), fine: z.number().nullable() }),
  }),
  variance: z.strictObject({
    running: z.number().nullable(),
    index: z.number().nullable(),
    withinClassShare: z.number(),
  }),
  confusions: z.array(z.strictObject({ actual: z.string(), predicted: z.string(), count: z.int() })),
  /** Paths of the records nearest to each centroid, for the gallery; at most a few dozen clusters. */
  clusters: z.array(
    z.strictObject({
      className: z.string(),
      size: z.int(),
      nearest: z.array(z.string()),
      fine: z.array(z.strictObject({ name: z.string(), count: z.int() })),
    }),
  ),
  neighbours: z.array(
    z.strictObject({
      path: z.string(),
      className: z.string(),
      right: z.boolean(),
      nearest: z.array(z.strictObject({ path: z.string(), className: z.string(), distance: z.number() })),
    }),
  ),
  warnings: z.array(z.string()),
  /** Left out: made by a version that did not say. */
  fingerprint: Fingerprint.optional(),
});
export type Evaluation = z.infer<typeof Evaluation>;

/** What a finished run leaves: small, by reference, deterministic. */
export const RunResult = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  objective: ObjectiveName,
  status: z.enum(['finished', 'stopped']),
  epochs: z.int(),
  configuration: Sha256,
  dataSet: ObjectRef,
  checkpoint: CheckpointRef,
  index: IndexRef,
  evaluation: ObjectRef,
  digests: z.strictObject({ weights: Sha256, index: Sha256, curves: Sha256, metrics: Sha256 }),
  metrics: z.strictObject({
    trained: Readout,
    fine: Readout.nullable(),
    readouts: z.array(Readout),
    retrieval: Evaluation.shape.retrieval,
    baselines: Evaluation.shape.baselines,
  }),
  /** identical: one environment throughout; equivalent: part of it was computed in another one (DESIGN §7). */
  reproducibility: z.enum(['identical', 'equivalent']),
});
export type RunResult = z.infer<typeof RunResult>;
