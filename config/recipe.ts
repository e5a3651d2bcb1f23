/**
 * The recipe: everything that decides a run but its name and its data's place. YAML files in recipes/, `--set key=value`
 * and the workflow input all parse through this schema; docs/reference is made from it.
 */
import { z } from 'zod';
import { NetworkOptions } from './network';
import { MagnetOptions, ObjectiveName, SoftmaxOptions, TripletOptions, type Objective } from './objective';

const ValidationRule = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('fraction'), fraction: z.number().positive().max(0.5), seed: z.int().default(0) }),
    z.strictObject({ type: z.literal('column'), column: z.string().min(1), values: z.array(z.coerce.string()).min(1) }),
    z.strictObject({
      type: z.literal('lastFraction'),
      fraction: z.number().positive().max(0.5),
      groupBy: z.string().min(1),
      orderBy: z.string().min(1),
    }),
  ])
  .meta({ doc: 'which training records become validation' });

export const DataOptions = z.strictObject({
  label: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ doc: 'column whose classes are trained; null: the only obvious one' }),
  fineLabel: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ doc: 'column whose classes are recovered at the end; null: none' }),
  pairing: z.int().min(0).nullable().default(null).meta({
    doc: 'seed of a random pairing of the label’s classes: pairs are trained, the classes themselves recovered',
    source: 'paper §4.3; METHOD §4',
  }),
  table: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ doc: 'file name of the table; null: metadata.csv or metadata.jsonl where there is one' }),
  splitColumn: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ doc: 'column of the split; null: split where there is one' }),
  validation: ValidationRule.nullable()
    .default(null)
    .meta({ doc: 'null: the data set’s own validation records, or a drawn share where it has none' }),
  drawnValidation: z
    .number()
    .positive()
    .max(0.5)
    .default(0.15)
    .meta({ doc: 'share of each class drawn as validation where there is none' }),
  drawnTest: z
    .number()
    .positive()
    .max(0.5)
    .default(0.2)
    .meta({ doc: 'share of each class drawn as test where there is none' }),
  splitSeed: z.int().min(0).default(0).meta({ doc: 'seed of drawn splits' }),
  trainOn: z
    .enum(['train', 'train+validation'])
    .default('train')
    .meta({ doc: 'what is trained on; choose settings with train, report with train+validation' }),
  channels: z
    .union([z.literal(1), z.literal(3)], 'must be 1 or 3')
    .default(3)
    .meta({ doc: '1 for grey, 3 for colour', unit: 'channels' }),
  invert: z.boolean().default(false).meta({ doc: '255 − value: ink becomes 1' }),
  maxPixels: z.int().positive().default(50_000_000).meta({ doc: 'larger images are quarantined', unit: 'pixels' }),
  failOn: z
    .enum(['none', 'truncated', 'error', 'warning'])
    .default('error')
    .meta({ doc: 'how much damage of a file is refused', source: 'sharp' }),
  maxQuarantined: z.number().min(0).max(1).default(0.02).meta({ doc: 'largest accepted share of files in quarantine' }),
});
export type DataOptions = z.infer<typeof DataOptions>;

export const OptimizerOptions = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('adam'),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: z.number().positive().default(1e-8),
  }),
  z.strictObject({ type: z.literal('momentum'), momentum: z.number().min(0).lt(1).default(0.9) }),
]);
export type OptimizerOptions = z.infer<typeof OptimizerOptions>;

export const EvaluationOptions = z.strictObject({
  neighbours: z
    .int()
    .min(1)
    .max(100_000)
    .default(128)
    .meta({ doc: 'L, nearest centroids or examples that vote', source: 'eq. 6' }),
  temperatures: z
    .array(z.number().positive())
    .min(1)
    .default([1, 0.5, 0.25, 0.125, 0.0625])
    .meta({ doc: 'τ of soft-kNN to choose from on validation', source: 'METHOD §4' }),
  softKnn: z
    .strictObject({ normalised: z.boolean(), temperature: z.number().positive() })
    .nullable()
    .default(null)
    .meta({
      doc: 'setting of the soft-kNN read-out; null: chosen on validation, which trainOn train+validation leaves empty',
    }),
  views: z
    .union([z.literal(1), z.literal(16)], 'must be 1 or 16')
    .default(1)
    .meta({
      doc: 'views of an image whose embeddings are averaged; 1: the centre view at scale 1.15',
      source: 'paper',
    }),
  clustersPerClass: z
    .int()
    .min(1)
    .max(1024)
    .default(2)
    .meta({ doc: 'K of the kNC read-out for objectives without clusters; use Magnet’s' }),
  productMiB: z.int().min(1).max(65_536).default(64).meta({
    doc: 'most memory of the products that a search for neighbours holds at once, beside the embeddings; results do not depend on it',
    unit: 'MiB',
    source: 'more was not faster (bench neighbours)',
  }),
});
export type EvaluationOptions = z.infer<typeof EvaluationOptions>;

export const Recipe = z.strictObject({
  data: DataOptions.prefault({}),
  network: NetworkOptions.prefault({}),
  objective: ObjectiveName.default('magnet').meta({ doc: 'what is minimised' }),
  softmax: SoftmaxOptions.prefault({}),
  triplet: TripletOptions.prefault({}),
  magnet: MagnetOptions.prefault({}),
  optimizer: OptimizerOptions.prefault({ type: 'adam' }),
  warmStart: z
    .strictObject({
      epochs: z
        .int()
        .min(0)
        .max(1000)
        .default(3)
        .meta({ doc: 'softmax epochs before the objective', source: 'paper: 3' }),
      learningRate: z.number().positive().default(1e-3),
      batchSize: z.int().min(2).max(4096).default(48),
    })
    .prefault({}),
  epochs: z.int().min(1).max(100_000).default(20).meta({ doc: 'epochs of the objective after the warm start' }),
  stepsPerEpoch: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .meta({ doc: 'null: training examples / images a step, rounded up', source: 'METHOD §3' }),
  annealTo: z
    .number()
    .positive()
    .max(1)
    .default(0.1)
    .meta({ doc: 'learning rate of the last epoch as a share of the first', source: 'METHOD §4' }),
  seed: z.int().min(0).max(0xffffffff).default(1),
  evaluation: EvaluationOptions.prefault({}),
  checkpointSeconds: z
    .number()
    .min(0)
    .default(120)
    .meta({ doc: 'between checkpoints inside an epoch; 0: after every step', unit: 's' }),
  profile: z.boolean().default(false).meta({
    doc: 'trace five steps of each epoch op by op, for `lodestone report --profile`; changes no result',
  }),
  engine: z
    .strictObject({
      threads: z.int().min(1).max(256).nullable().default(null).meta({
        doc: 'threads of one op; null: the cores of the host of the first start, at most 16. Fixed for the run: bits depend on it',
      }),
      kernels: z
        .enum(['proven', 'stock'])
        .default('proven')
        .meta({ doc: 'fused kernels where they are proven equal at start, or stock ones' }),
      compile: z
        .boolean()
        .default(true)
        .meta({ doc: 'trace the train step once and run it as one graph; false: op by op' }),
      precision: z.enum(['float32', 'bf16']).default('float32').meta({
        doc: 'bf16: convolutions compute in bfloat16, weights stay float32; needs `compile` and a CPU or GPU that has it',
      }),
      deterministic: z.boolean().default(true).meta({
        doc: 'on a GPU: only kernels that give the same bits again; false: faster ones too, and a resumed run is not bit-equal',
      }),
      tf32: z.boolean().default(false).meta({
        doc: 'on a GPU: float32 products may round their operands to TF32 (10 bits)',
      }),
    })
    .prefault({}),
});
export type Recipe = z.infer<typeof Recipe>;

/** Fields that may change between two starts of one run (S9): they decide how long and how often, not what a step computes. */
export const freeFields: readonly (keyof Recipe)[] = ['checkpointSeconds', 'profile'];

/** The chosen objective with its options. */
export function objectiveOf(recipe: Recipe): Objective {
  switch (recipe.objective) {
    case 'softmax':
      return { type: 'softmax', ...recipe.softmax };
    case 'triplet':
      return { type: 'triplet', ...recipe.triplet };
    case 'magnet':
      return { type: 'magnet', ...recipe.magnet };
  }
}
