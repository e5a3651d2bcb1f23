/**
 * Optimizer updates of named variables and the slots they need. Nothing hidden: state is in the slots (by the
 * variable's name, so in checkpoints) and in the settings; Adam's bias correction comes from the step's number.
 * Does not know schedules: the caller gives this step's learning rate.
 */
import { fusedAdam, fusedMomentum, stockAdam, stockMomentum } from '../implementations/optimizers';
import type { AdamScalars } from '../implementations/optimizers';
import { kernelFor } from '../kernels';
import { tf } from '../tf';
import type { VariableSet, VariableSpec } from '../variables';

/** A number, or a scalar tensor: what varies from step to step must be a tensor where the step is compiled. */
export type Setting = number | tf.Scalar;

export interface MomentumSettings {
  readonly learningRate: Setting;
  readonly momentum: Setting;
}

export interface AdamSettings {
  readonly learningRate: Setting;
  readonly beta1: Setting;
  readonly beta2: Setting;
  readonly epsilon: Setting;
  /** The number of this update, from 1. */
  readonly step: Setting;
}

export type OptimizerSettings =
  ({ readonly type: 'momentum' } & MomentumSettings) | ({ readonly type: 'adam' } & AdamSettings);

/** The slots, all starting at 0, that an optimizer keeps for the trained ones among `specs`. */
export function slotSpecs(type: OptimizerSettings['type'], specs: readonly VariableSpec[]): VariableSpec[] {
  const suffixes = type === 'momentum' ? ['momentum'] : ['adam-m', 'adam-v'];
  return specs
    .filter(({ role }) => role === 'trained')
    .flatMap(({ name, shape }) =>
      suffixes.map((suffix) => ({ name: `${name}/${suffix}`, shape, role: 'slot' as const })),
    );
}

/** Slot a ← momentum · a + g in `<name>/momentum`, then w ← w − learningRate · a. */
export function applyMomentum(
  variables: VariableSet,
  name: string,
  gradient: tf.Tensor,
  settings: MomentumSettings,
): void {
  tf.tidy(() => {
    const scalars = { learningRate: scalar(settings.learningRate), momentum: scalar(settings.momentum) };
    const names = { weight: name, accumulator: `${name}/momentum` };
    (kernelFor('momentum') === 'fused' ? fusedMomentum : stockMomentum)(variables, names, gradient, scalars);
  });
}

/** Adam (Kingma & Ba 2015, ε outside the corrected root as TensorFlow has it) on slots `<name>/adam-m` and `/adam-v`. */
export function applyAdam(variables: VariableSet, name: string, gradient: tf.Tensor, settings: AdamSettings): void {
  tf.tidy(() => updateByAdam(variables, name, gradient, adamScalars(settings)));
}

/** Updates every variable that has a gradient; the scalars of the settings are made once. */
export function applyGradients(
  variables: VariableSet,
  gradients: ReadonlyMap<string, tf.Tensor>,
  settings: OptimizerSettings,
): void {
  tf.tidy(() => {
    if (settings.type === 'adam') {
      const scalars = adamScalars(settings);
      for (const [name, gradient] of gradients) updateByAdam(variables, name, gradient, scalars);
    } else {
      const scalars = { learningRate: scalar(settings.learningRate), momentum: scalar(settings.momentum) };
      for (const [name, gradient] of gradients) applyMomentum(variables, name, gradient, scalars);
    }
  });
}

function updateByAdam(variables: VariableSet, name: string, gradient: tf.Tensor, scalars: AdamScalars): void {
  const names = { weight: name, m: `${name}/adam-m`, v: `${name}/adam-v` };
  (kernelFor('adam') === 'fused' ? fusedAdam : stockAdam)(variables, names, gradient, scalars);
}

/** The powers are computed by TensorFlow whatever the settings are, so that numbers and tensors give the same bits. */
function adamScalars(settings: AdamSettings): AdamScalars {
  const [beta1, beta2, step] = [scalar(settings.beta1), scalar(settings.beta2), scalar(settings.step)];
  return {
    learningRate: scalar(settings.learningRate),
    beta1,
    beta2,
    epsilon: scalar(settings.epsilon),
    beta1Power: tf.pow<tf.Scalar>(beta1, step),
    beta2Power: tf.pow<tf.Scalar>(beta2, step),
  };
}

function scalar(setting: Setting): tf.Scalar {
  return typeof setting === 'number' ? tf.scalar(setting) : setting;
}
