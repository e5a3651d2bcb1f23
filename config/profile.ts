/**
 * The profile of a run's training steps, as it is stored: times, which no digest contains. `--profile` asks for it; the page
 * is made of it (report/profile-report.ts).
 */
import { z } from 'zod';
import { Phase } from './artifacts';
import { ObjectiveName } from './objective';
import { EpochSpeed } from './speed';

/** One op of a step. */
export const NodeTime = z.strictObject({
  /** Its name in the compiled graph; of a step op by op, that of the op. */
  node: z.string(),
  op: z.string(),
  /** As TensorFlow names it, such as CPU:0. */
  device: z.string(),
  thread: z.int(),
  /** Microseconds after the first node began. */
  start: z.number(),
  /** Microseconds that its kernel ran. */
  micros: z.number(),
  /** Of its first output; null where none is known. */
  shape: z.array(z.int()).nullable(),
  /** Of its first output. */
  bytes: z.int(),
});
export type NodeTime = z.infer<typeof NodeTime>;

export const StepProfile = z.strictObject({
  version: z.literal(1),
  phase: Phase,
  epoch: z.int(),
  network: z.string(),
  objective: ObjectiveName,
  /** Images of a step. */
  images: z.int(),
  compiled: z.boolean(),
  precision: z.enum(['float32', 'bf16']),
  /** What decides the bits and the speed: device, threads, kernels (engine/fingerprint.ts). */
  environment: z.record(z.string(), z.string()),
  speed: EpochSpeed,
  /** How many steps were traced. */
  traced: z.int(),
  /** Of the traced step whose kernels took the median time; null where the epoch had too few steps. */
  nodes: z.array(NodeTime).nullable(),
});
export type StepProfile = z.infer<typeof StepProfile>;
