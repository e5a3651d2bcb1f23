/** The objectives and their options (METHOD §2–4). Each brings its own learning rate: a rate that suits one ruins another. */
import { z } from 'zod';

export const objectiveNames = ['softmax', 'triplet', 'magnet'] as const;
export const ObjectiveName = z.enum(objectiveNames);
export type ObjectiveName = z.infer<typeof ObjectiveName>;

const learningRate = (value: number): z.ZodDefault<z.ZodNumber> =>
  z
    .number()
    .positive()
    .max(10)
    .default(value)
    .meta({ doc: 'step size of the first epoch; it decays to `annealTo` of it' });

export const SoftmaxOptions = z.strictObject({
  learningRate: learningRate(1e-3),
  batchSize: z.int().min(2).max(4096).default(48).meta({ doc: 'images a step', unit: 'images' }),
});

export const TripletOptions = z.strictObject({
  learningRate: learningRate(3e-4),
  alpha: z.number().min(0).default(1).meta({ doc: 'α, the margin', source: 'eq. 1' }),
  triplets: z.int().min(1).max(4096).default(16).meta({ doc: 'triplets a step, three images each', unit: 'triplets' }),
  impostorFraction: z.number().positive().max(1).default(0.2).meta({
    doc: 'f: negatives come from this nearest share of the other classes’ training examples',
    source: 'Table 1',
  }),
  normalise: z.boolean().default(true).meta({ doc: 'L2-normalise embeddings in loss, index and read-out' }),
});

export const MagnetOptions = z.strictObject({
  learningRate: learningRate(1e-3),
  alpha: z.number().min(0).default(1).meta({ doc: 'α, the margin', source: 'eq. 4 and 5' }),
  globalScaling: z
    .number()
    .positive()
    .default(1)
    .meta({ doc: 'g, multiplies both exponents', source: 'Table 1; g = 1 is eq. 4' }),
  clustersPerClass: z
    .int()
    .min(1)
    .max(1024)
    .default(2)
    .meta({ doc: 'K, lowered to half of a class’s images where it has fewer', source: 'eq. 2' }),
  clustersPerBatch: z
    .int()
    .min(2, 'must be >= 2: a batch needs an impostor cluster. Use 2 or more.')
    .max(1024)
    .default(12)
    .meta({ doc: 'M, clusters in a batch', unit: 'clusters' }),
  examplesPerCluster: z
    .int()
    .min(2, 'must be >= 2: a lone example is its own mean, so σ² is 0. Use 2 or more.')
    .max(1024)
    .default(4)
    .meta({ doc: 'D, examples per cluster', unit: 'examples', source: "with M = 12 fills the paper's M·D <= 48" }),
});

export type SoftmaxOptions = z.infer<typeof SoftmaxOptions>;
export type TripletOptions = z.infer<typeof TripletOptions>;
export type MagnetOptions = z.infer<typeof MagnetOptions>;

/** One objective with its options, as the training code takes it. */
export type Objective =
  | ({ readonly type: 'softmax' } & SoftmaxOptions)
  | ({ readonly type: 'triplet' } & TripletOptions)
  | ({ readonly type: 'magnet' } & MagnetOptions);
