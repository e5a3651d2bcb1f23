/**
 * One optimizer update of one variable, fused (in place on the resources) and stock (tfjs ops and assignments).
 * Knows the update rules; does not know which variables exist. All state is in named slots and in the arguments.
 */
import { attribute, runOp } from '../native';
import { tf } from '../tf';
import type { VariableSet } from '../variables';

export interface MomentumScalars {
  readonly learningRate: tf.Scalar;
  readonly momentum: tf.Scalar;
}

/** Slot a ← momentum · a + g, then w ← w − learningRate · a (heavy ball, not Nesterov). */
export type MomentumUpdate = (
  variables: VariableSet,
  names: { readonly weight: string; readonly accumulator: string },
  gradient: tf.Tensor,
  scalars: MomentumScalars,
) => void;

export const fusedMomentum: MomentumUpdate = (variables, { weight, accumulator }, gradient, scalars) => {
  const attributes = [
    attribute.float32('T'),
    attribute.bool('use_locking', false),
    attribute.bool('use_nesterov', false),
  ];
  variables.write([weight, accumulator], (handles) => {
    runOp('ResourceApplyMomentum', attributes, [...handles, scalars.learningRate, gradient, scalars.momentum], 0);
  });
};

export const stockMomentum: MomentumUpdate = (variables, { weight, accumulator }, gradient, scalars) => {
  tf.tidy(() => {
    const accumulated = variables.get(accumulator).mul(scalars.momentum).add(gradient);
    variables.assign(accumulator, accumulated);
    variables.assign(weight, variables.get(weight).sub(accumulated.mul(scalars.learningRate)));
  });
};

export interface AdamScalars {
  readonly learningRate: tf.Scalar;
  readonly beta1: tf.Scalar;
  readonly beta2: tf.Scalar;
  readonly epsilon: tf.Scalar;
  /** β1 and β2 to the power of the step's number, which starts at 1. */
  readonly beta1Power: tf.Scalar;
  readonly beta2Power: tf.Scalar;
}

/**
 * Slots m ← β1·m + (1 − β1)·g and v ← β2·v + (1 − β2)·g², then
 * w ← w − learningRate · √(1 − β2ᵗ)/(1 − β1ᵗ) · m / (√v + ε)  (Kingma & Ba 2015, end of section 2, as TensorFlow does).
 */
export type AdamUpdate = (
  variables: VariableSet,
  names: { readonly weight: string; readonly m: string; readonly v: string },
  gradient: tf.Tensor,
  scalars: AdamScalars,
) => void;

export const fusedAdam: AdamUpdate = (variables, { weight, m, v }, gradient, scalars) => {
  const attributes = [
    attribute.float32('T'),
    attribute.bool('use_locking', false),
    attribute.bool('use_nesterov', false),
  ];
  const { beta1Power, beta2Power, learningRate, beta1, beta2, epsilon } = scalars;
  variables.write([weight, m, v], (handles) => {
    const inputs = [...handles, beta1Power, beta2Power, learningRate, beta1, beta2, epsilon, gradient];
    runOp('ResourceApplyAdam', attributes, inputs, 0);
  });
};

export const stockAdam: AdamUpdate = (variables, names, gradient, scalars) => {
  tf.tidy(() => {
    const { beta1, beta2 } = scalars;
    const m = variables
      .get(names.m)
      .mul(beta1)
      .add(gradient.mul(tf.sub(1, beta1)));
    const v = variables
      .get(names.v)
      .mul(beta2)
      .add(gradient.square().mul(tf.sub(1, beta2)));
    const correction = tf.sqrt(tf.sub(1, scalars.beta2Power)).div(tf.sub(1, scalars.beta1Power));
    const change = m.mul(scalars.learningRate.mul(correction)).div(v.sqrt().add(scalars.epsilon));
    const updated = variables.get(names.weight).sub(change);
    variables.assign(names.m, m);
    variables.assign(names.v, v);
    variables.assign(names.weight, updated);
  });
};
