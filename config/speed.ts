/**
 * How fast an epoch was trained and with what memory: what the trainer measured, and the figures that people read. Belongs to
 * events and progress, never to a manifest: no digest contains it (S6).
 */
import { z } from 'zod';

/**
 * Parts of a training step, in the order in which they come. sample: choosing examples and crops; wait: until the batch's
 * images are there; upload: into tensors; compile: tracing and loading the graph; warm-up: its first run; step: forward,
 * backward, update; record: curve and loss cache; checkpoint: copying and writing states; messages: what is said to the host.
 */
export const stepParts = [
  'sample',
  'wait',
  'upload',
  'compile',
  'warm-up',
  'step',
  'record',
  'checkpoint',
  'messages',
] as const;
export type StepPart = (typeof stepParts)[number];

/** What one attempt at an epoch measured. */
export const EpochSpeed = z.strictObject({
  steps: z.int(),
  /** Of the steps: first runs of a graph, whose time is warm-up. */
  firstRuns: z.int(),
  images: z.int(),
  /** Seconds by part. */
  seconds: z.record(z.enum(stepParts), z.number()),
  /** Of the trainer process: resident memory at the end, and the most it ever had. */
  residentBytes: z.int(),
  peakBytes: z.int(),
  /** Tensors that TensorFlow holds at the end. */
  tensors: z.int(),
});
export type EpochSpeed = z.infer<typeof EpochSpeed>;

/** For people and programs; the names carry the units. */
export interface SpeedFigures {
  /** Without compiling and first runs; null where there was nothing else. */
  readonly stepsPerSecond: number | null;
  readonly imagesPerSecond: number | null;
  /** Share of the training time that the trainer waited for images. */
  readonly waitShare: number | null;
  readonly compileSeconds: number;
  readonly warmUpSeconds: number;
  readonly residentMemoryBytes: number;
  readonly peakMemoryBytes: number;
  readonly tensors: number;
}

/** Of some epochs together, in order; null of none. */
export function speedFigures(epochs: readonly EpochSpeed[]): SpeedFigures | null {
  const last = epochs.at(-1);
  if (last === undefined) return null;
  const sum = (of: (epoch: EpochSpeed) => number): number => epochs.reduce((total, epoch) => total + of(epoch), 0);
  const steps = sum(({ steps: made, firstRuns }) => made - firstRuns);
  const images = sum((epoch) => (epoch.images * (epoch.steps - epoch.firstRuns)) / Math.max(1, epoch.steps));
  const seconds = sum(steadySeconds);
  const rate = (amount: number): number | null => (amount > 0 && seconds > 0 ? amount / seconds : null);
  return {
    stepsPerSecond: rate(steps),
    imagesPerSecond: rate(images),
    waitShare: seconds > 0 ? sum((epoch) => epoch.seconds.wait) / seconds : null,
    compileSeconds: sum((epoch) => epoch.seconds.compile),
    warmUpSeconds: sum((epoch) => epoch.seconds['warm-up']),
    residentMemoryBytes: last.residentBytes,
    peakMemoryBytes: Math.max(...epochs.map(({ peakBytes }) => peakBytes)),
    tensors: last.tensors,
  };
}

/** All that comes again with every step. */
export function steadySeconds({ seconds }: EpochSpeed): number {
  return stepParts.reduce((total, part) => total + (part === 'compile' || part === 'warm-up' ? 0 : seconds[part]), 0);
}
