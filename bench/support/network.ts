/**
 * The network that benches of the training step run: four convolutions with batch norm, ReLU and max pooling each, and
 * a dense head. The layers and their proportions are those of convolutional networks in use; the weights are arbitrary.
 */
import { batchNormTraining } from '../../engine/ops/batch-norm';
import { conv2d, dense, globalAveragePool, maxPool, relu } from '../../engine/ops/layers';
import type { tf } from '../../engine/tf';
import type { VariableSet, VariableSpec } from '../../engine/variables';

export const CLASSES = 100;
const WIDTHS = [32, 64, 128, 256];

export function networkSpecs(): VariableSpec[] {
  const blocks = WIDTHS.flatMap((width, block): VariableSpec[] => [
    { name: `${block}/filter`, shape: [3, 3, block === 0 ? 3 : WIDTHS[block - 1], width], role: 'trained' },
    { name: `${block}/scale`, shape: [width], role: 'trained' },
    { name: `${block}/offset`, shape: [width], role: 'trained' },
    { name: `${block}/mean`, shape: [width], role: 'statistic' },
    { name: `${block}/variance`, shape: [width], role: 'statistic' },
  ]);
  const head: VariableSpec[] = [
    { name: 'head/w', shape: [WIDTHS[WIDTHS.length - 1], CLASSES], role: 'trained' },
    { name: 'head/b', shape: [CLASSES], role: 'trained' },
  ];
  return [...blocks, ...head];
}

export function initialValues({ name, shape, role }: VariableSpec): Float32Array {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (role !== 'slot' && /(scale|variance)$/.test(name)) return new Float32Array(size).fill(1);
  if (role !== 'trained' || shape.length === 1) return new Float32Array(size);
  const spread = Math.sqrt(6 / (size / shape[shape.length - 1])); // He et al. 2015
  return Float32Array.from({ length: size }, (_, i) => spread * (2 * ((i * 0.6180339887498949) % 1) - 1));
}

/** @returns [N, CLASSES] */
export function logits(images: tf.Tensor, variables: VariableSet): tf.Tensor2D {
  let x = images;
  for (const block of WIDTHS.keys()) {
    const names = {
      scale: `${block}/scale`,
      offset: `${block}/offset`,
      mean: `${block}/mean`,
      variance: `${block}/variance`,
    };
    const convolved = conv2d(x, variables.get(`${block}/filter`), 1);
    x = maxPool(relu(batchNormTraining(convolved, variables, names)), 3, 2);
  }
  return dense(globalAveragePool(x), variables.get('head/w'), variables.get('head/b'));
}
