/**
 * Networks as functions over named variables: images in, embeddings out. The names and shapes are the compatibility
 * check of a checkpoint. Knows which architecture a name means; the architectures stand beside this file.
 */
import type { NetworkOptions } from '../../config/network';
import { globalAveragePool } from '../../engine/ops/layers';
import type { tf } from '../../engine/tf';
import type { VariableSet, VariableSpec } from '../../engine/variables';
import { assertNever } from '../../errors';
import { convnet4 } from './convnet-4';
import { googlenetBn } from './googlenet-bn';
import { denseLayer, denseSpecs, initialValues, sizeOf, type Architecture, type Mode } from './layers';

export interface Network {
  /** Every variable, in a fixed order. */
  readonly specs: readonly VariableSpec[];
  /** The first value of a variable: the same for the same name, shape and seed. */
  initial(spec: VariableSpec, seed: number): Float32Array;
  /** @param x [N, S, S, channels], normalised; @returns embeddings [N, E], not L2-normalised */
  forward(variables: VariableSet, x: tf.Tensor4D, mode: Mode): tf.Tensor2D;
}

/** The convolutions of an architecture, their global average, and a dense layer to the embedding. */
export function networkFor({ name, embeddingSize }: NetworkOptions, channels: 1 | 3): Network {
  const { specs, width, features } = architecture(name, channels);
  return {
    specs: [...specs, ...denseSpecs('embedding', width, embeddingSize)],
    initial: initialValues,
    forward: (variables, x, mode) =>
      denseLayer(variables, 'embedding', globalAveragePool(features(variables, x, mode))),
  };
}

/** Trained numbers: weights, biases, scales and offsets. */
export function parameterCount(specs: readonly VariableSpec[]): number {
  return specs.filter(({ role }) => role === 'trained').reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function architecture(name: NetworkOptions['name'], channels: 1 | 3): Architecture {
  switch (name) {
    case 'convnet-4':
      return convnet4(channels);
    case 'googlenet-bn':
      return googlenetBn(channels);
    default:
      return assertNever(name);
  }
}
