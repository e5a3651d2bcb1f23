/**
 * Reverse-mode gradients of a scalar loss by the trained variables of a set.
 * Knows the tape of tfjs; does not know losses or optimizers.
 */
import { LodestoneError } from '../errors';
import { tf } from './tf';
import type { VariableSet } from './variables';

export interface Forward {
  readonly loss: tf.Scalar;
  /** What else the step wants of the forward pass, by name. */
  readonly outputs: Record<string, tf.Tensor>;
}

export interface LossAndGradients {
  loss: tf.Scalar;
  outputs: Record<string, tf.Tensor>;
  /** One tensor of the variable's shape for each trained variable, in the order of the set's specs. */
  gradients: Map<string, tf.Tensor>;
}

/**
 * Runs `forward` once and differentiates its loss. Everything returned belongs to the caller (or the enclosing tidy,
 * which does not look into a Map: use the gradients inside it).
 * Throws InvalidConfig if a trained variable does not reach the loss: it would silently never be trained.
 */
export function gradients(variables: VariableSet, forward: () => Forward): LossAndGradients {
  const names = variables.specs.filter(({ role }) => role === 'trained').map(({ name }) => name);
  const values = names.map((name) => variables.get(name));
  const kept: Record<string, tf.Tensor> = {};
  try {
    const run = (): tf.Scalar => {
      const { loss, outputs } = forward();
      // The tape tidies everything but the loss away; a clone is a second handle of the same native tensor.
      for (const [name, output] of Object.entries(outputs)) kept[name] = tf.keep(output.clone());
      return loss;
    };
    const { value: loss, grads } = tf.engine().gradients(run, values, undefined, true);
    const gradientsByName = new Map<string, tf.Tensor>(names.map((name, i) => [name, grads[i]]));
    refuseUnreached(grads, names);
    return { loss, outputs: handOver(kept), gradients: gradientsByName };
  } finally {
    tf.dispose(kept);
  }
}

/** Handles that the caller's tidy owns again, instead of those that `keep` took out of every tidy. */
function handOver(kept: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(kept).map(([name, tensor]) => [name, tensor.clone()]));
}

/** Without a path to the loss, tfjs leaves a hole (its types do not say so). */
function refuseUnreached(grads: readonly (tf.Tensor | null | undefined)[], names: readonly string[]): void {
  const unreached = names.filter((_, i) => grads[i] === null || grads[i] === undefined);
  if (unreached.length === 0) return;
  tf.dispose(grads.filter((gradient): gradient is tf.Tensor => gradient !== null && gradient !== undefined));
  throw new LodestoneError(
    'InvalidConfig',
    `gradients: the loss does not depend on the trained variables ${unreached.slice(0, 8).join(', ')}; ` +
      'each must reach it. Give them another role, or use them in the forward pass.',
  );
}
