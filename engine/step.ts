/**
 * A train step as one pure function of (variables, batch): tensors in, tensors out, effects on the variables alone.
 * Such a step can be run eagerly, here, or be traced once and compiled. It reads no tensor's data in JavaScript, draws
 * no random numbers, and takes what changes from step to step (learning rate, step number) from the batch.
 */
import { tf } from './tf';
import type { VariableSet } from './variables';

export type TensorRecord = Record<string, tf.Tensor>;

export type Step = (variables: VariableSet, batch: TensorRecord) => TensorRecord;

/** Runs the step op by op. The caller disposes the outputs; all else is tidied. The batch stays the caller's. */
export function runEagerStep(step: Step, variables: VariableSet, batch: TensorRecord): TensorRecord {
  return tf.tidy(() => step(variables, batch));
}
