/**
 * Inputs of the workflows, versioned and parsed first thing (W1); what the stock Temporal client sends is this JSON.
 * A run's name is its workflow id and stands nowhere in the input.
 */
import { z } from 'zod';
import { CheckpointRef, IndexRef, ObjectRef } from './artifacts';
import { ObjectiveName } from './objective';
import { Recipe } from './recipe';
import type { SpeedFigures } from './speed';

export const DataSource = z.discriminatedUnion('type', [
  /** A folder that the pipeline workers can read. */
  z.strictObject({ type: z.literal('folder'), path: z.string().min(1) }),
  /** The procedural set of the demo, drawn where it is missing. */
  z.strictObject({
    type: z.literal('species'),
    seed: z.int().min(0).default(0),
    coarseClasses: z.int().min(2).default(3),
    speciesPerClass: z.int().min(1).default(16),
    imagesPerSpecies: z.int().min(4).default(90),
    size: z.int().min(16).default(48),
  }),
]);
export type DataSource = z.infer<typeof DataSource>;

/** What a parent workflow has already done for its children (DESIGN §3). */
export const SharedStart = z.strictObject({ dataSet: ObjectRef, warmStart: CheckpointRef });

/** What crosses continue-as-new. Plain JSON: a Map would become {}. */
export const Carried = z.strictObject({
  dataSet: ObjectRef,
  threads: z.int(),
  configuration: z.string(),
  checkpoint: CheckpointRef.nullable(),
  warmStart: CheckpointRef.nullable(),
  index: IndexRef.nullable(),
  /** Epochs of the objective that are done. */
  epoch: z.int(),
  epochs: z.int(),
  stopRequested: z.boolean(),
  /** At the end of the warm start and of each epoch since; null where there are no validation images. */
  validationErrors: z.array(z.number().nullable()),
});
export type Carried = z.infer<typeof Carried>;

export const TrainPipelineInput = z.strictObject({
  version: z.literal(1),
  data: DataSource,
  recipe: Recipe,
  shared: SharedStart.nullable().default(null),
  carried: Carried.nullable().default(null),
});
export type TrainPipelineInput = z.infer<typeof TrainPipelineInput>;

export const CompareInput = z.strictObject({
  version: z.literal(1),
  data: DataSource,
  recipe: Recipe,
  objectives: z.array(ObjectiveName).min(1).default(['softmax', 'triplet', 'magnet']),
  /** Runs at a time; null: as many as there are trainers. */
  parallel: z.int().min(1).max(64).nullable().default(null),
});
export type CompareInput = z.infer<typeof CompareInput>;

export const RecoverInput = z.strictObject({
  version: z.literal(1),
  data: DataSource,
  recipe: Recipe,
  objectives: z.array(ObjectiveName).min(1).default(['magnet']),
  pairings: z.int().min(1).max(100).default(3),
  /** Runs at a time; null: as many as there are trainers. */
  parallel: z.int().min(1).max(64).nullable().default(null),
});
export type RecoverInput = z.infer<typeof RecoverInput>;

/** A name that a run is given: workflow id and key prefix; children add `--magnet` and the like, and are known by it. */
export const RunName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    'must be lower-case letters, digits and -, at most 63, starting with a letter or digit',
  )
  .refine(
    (name) => !name.includes('--'),
    'must not contain --: that marks the runs of a comparison, such as photos--magnet. Use a single -',
  );

/** The answer of the query `progress`. */
export interface RunProgress {
  readonly stage: 'binding' | 'preprocess' | 'warm-start' | 'train' | 'refresh' | 'evaluate' | 'report' | 'done';
  readonly epoch: number;
  readonly epochs: number;
  readonly validationErrors: readonly (number | null)[];
  readonly stopRequested: boolean;
  /** Of the epoch trained last; null: none was trained since the workflow began, or it is a parent. */
  readonly speed: SpeedFigures | null;
  /** The workflow ids of children, for parents. */
  readonly children: readonly string[];
}
