/**
 * The parts that architectures are made of: named convolutions with batch norm and rectifier, and dense layers, each
 * with the variables it needs and their first values. Does not know architectures.
 */
import { batchNormInference, normReluTraining, type BatchNormNames } from '../../engine/ops/batch-norm';
import { conv2d, convolveFolded, dense, relu } from '../../engine/ops/layers';
import { tf } from '../../engine/tf';
import type { VariableSet, VariableSpec } from '../../engine/variables';
import { rngFor } from '../random';

/**
 * In training batch norm goes by the batch and its moving averages follow; in inference by the moving averages. Folded is
 * inference on variables in which batch norm is part of the convolutions (fold.ts).
 */
export type Mode = 'training' | 'inference' | 'folded';

export interface Architecture {
  readonly specs: readonly VariableSpec[];
  /** Channels of the last feature map. */
  readonly width: number;
  /** [N, S, S, channels] to [N, H, W, width]. */
  readonly features: (variables: VariableSet, x: tf.Tensor, mode: Mode) => tf.Tensor4D;
}

/** Convolution with SAME padding and no bias, batch norm, rectifier. */
export function convolve(variables: VariableSet, name: string, x: tf.Tensor, stride: number, mode: Mode): tf.Tensor4D {
  if (mode === 'folded') {
    return convolveFolded(x, variables.get(`${name}/filter`), variables.get(`${name}/bias`), stride);
  }
  const filter = variables.get(`${name}/filter`);
  if (mode === 'training') {
    const convolved = conv2d(x, filter, stride);
    return normedParts(variables, name, convolved, [convolved.shape[3]])[0];
  }
  return tf.tidy(() => relu(batchNormInference(conv2d(x, filter, stride), variables, batchNormNames(name))));
}

/**
 * Several convolutions of one input with variables in common: parts of the given widths, in order. Where gradients flow,
 * one product: the input is read once. Folded, a product each with its part of the filter, which is smaller than the result
 * that would have to be copied apart.
 */
export function convolveParts(
  variables: VariableSet,
  name: string,
  x: tf.Tensor,
  widths: readonly number[],
  mode: Mode,
): tf.Tensor4D[] {
  if (mode === 'inference') return tf.split(convolve(variables, name, x, 1, mode), [...widths], 3);
  const filter = variables.get(`${name}/filter`);
  if (mode === 'training') return normedParts(variables, name, conv2d(x, filter, 1), widths);
  const filters = tf.split(filter, [...widths], 3);
  const biases = tf.split(variables.get(`${name}/bias`), [...widths]);
  return filters.map((filter, part) => convolveFolded(x, filter, biases[part], 1));
}

/** Batch norm by the batch and rectifier, in parts. */
function normedParts(variables: VariableSet, name: string, x: tf.Tensor, widths: readonly number[]): tf.Tensor4D[] {
  return normReluTraining(x, variables, batchNormNames(name), widths);
}

function batchNormNames(name: string): BatchNormNames {
  return {
    scale: `${name}/scale`,
    offset: `${name}/offset`,
    mean: `${name}/mean`,
    variance: `${name}/variance`,
  };
}

/** Gives back what is made on the way as soon as no gradient needs it: activations of a whole pass are gigabytes. */
export function tidyUnlessTraining<T extends tf.Tensor>(mode: Mode, compute: () => T): T {
  return mode === 'training' ? compute() : tf.tidy(compute);
}

export function convolutionSpecs(name: string, size: number, inputs: number, outputs: number): VariableSpec[] {
  return [
    { name: `${name}/filter`, shape: [size, size, inputs, outputs], role: 'trained' },
    { name: `${name}/scale`, shape: [outputs], role: 'trained' },
    { name: `${name}/offset`, shape: [outputs], role: 'trained' },
    { name: `${name}/mean`, shape: [outputs], role: 'statistic' },
    { name: `${name}/variance`, shape: [outputs], role: 'statistic' },
  ];
}

/** x · w + b: [N, inputs] to [N, outputs]. */
export function denseLayer(variables: VariableSet, name: string, x: tf.Tensor): tf.Tensor2D {
  return dense(x, variables.get(`${name}/w`), variables.get(`${name}/b`));
}

export function denseSpecs(name: string, inputs: number, outputs: number): VariableSpec[] {
  return [
    { name: `${name}/w`, shape: [inputs, outputs], role: 'trained' },
    { name: `${name}/b`, shape: [outputs], role: 'trained' },
  ];
}

/**
 * The first value of a variable: the same for the same name, shape and seed. Weights are uniform in ±1/√(inputs of a
 * unit) (He et al. 2015 with a = √5, PyTorch's default), biases and slots 0, batch norm the identity.
 */
export function initialValues({ name, shape, role }: VariableSpec, seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (role === 'slot') return values;
  if (/\/(scale|variance)$/.test(name)) return values.fill(1);
  if (shape.length === 1) return values;
  const rng = rngFor(seed, 'initial', name);
  const bound = 1 / Math.sqrt(values.length / shape[shape.length - 1]);
  for (let i = 0; i < values.length; i++) values[i] = bound * (2 * rng.next() - 1);
  return values;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
