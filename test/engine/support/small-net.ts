/**
 * A net with every layer and a train step for it, small enough for hundreds of steps in a test.
 */
import { gradients } from '../../../engine/gradients';
import { normReluTraining } from '../../../engine/ops/batch-norm';
import { conv2d, dense, globalAveragePool, maxPool } from '../../../engine/ops/layers';
import { applyGradients, slotSpecs, type OptimizerSettings } from '../../../engine/ops/optimizers';
import type { Step, TensorRecord } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import { VariableSet, type VariableSpec } from '../../../engine/variables';
import { noise } from './noise';

const SIDE = 12;
const BATCH = 8;
const CLASSES = 3;

const specs: VariableSpec[] = [
  { name: 'conv/filter', shape: [3, 3, 3, 6], role: 'trained' },
  { name: 'conv/scale', shape: [6], role: 'trained' },
  { name: 'conv/offset', shape: [6], role: 'trained' },
  { name: 'conv/mean', shape: [6], role: 'statistic' },
  { name: 'conv/variance', shape: [6], role: 'statistic' },
  { name: 'head/w', shape: [6, CLASSES], role: 'trained' },
  { name: 'head/b', shape: [CLASSES], role: 'trained' },
];

export function smallNet(optimizer: OptimizerSettings['type']): VariableSet {
  return VariableSet.create([...specs, ...slotSpecs(optimizer, specs)], ({ name, shape, role }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    if (name.endsWith('scale') || name.endsWith('variance')) return new Float32Array(size).fill(1);
    return role === 'trained' && shape.length > 1 ? noise(size, name.length).map((v) => v / 3) : new Float32Array(size);
  });
}

export function smallBatch(seed: number): TensorRecord {
  return {
    x: tf.tensor4d(noise(BATCH * SIDE * SIDE * 3, seed), [BATCH, SIDE, SIDE, 3]),
    labels: tf.tensor1d(
      Int32Array.from({ length: BATCH }, (_, i) => (i + seed) % CLASSES),
      'int32',
    ),
    learningRate: tf.scalar(0.05),
    step: tf.scalar(seed + 1),
  };
}

export function smallStep(optimizer: OptimizerSettings['type']): Step {
  return (variables, { x, labels, learningRate, step }) => {
    const result = gradients(variables, () => {
      const names = { scale: 'conv/scale', offset: 'conv/offset', mean: 'conv/mean', variance: 'conv/variance' };
      const convolved = conv2d(x, variables.get('conv/filter'), 1);
      const [normed] = normReluTraining(convolved, variables, names, [6]);
      const pooled = maxPool(normed, 3, 2);
      const logits = dense(globalAveragePool(pooled), variables.get('head/w'), variables.get('head/b'));
      const losses = tf
        .oneHot(labels as tf.Tensor1D, CLASSES)
        .mul(tf.logSoftmax(logits))
        .sum(1)
        .neg();
      return { loss: losses.mean<tf.Scalar>(), outputs: { losses } };
    });
    applyGradients(
      variables,
      result.gradients,
      optimizer === 'adam'
        ? {
            type: 'adam',
            learningRate: learningRate as tf.Scalar,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
            step: step as tf.Scalar,
          }
        : { type: 'momentum', learningRate: learningRate as tf.Scalar, momentum: 0.9 },
    );
    return { loss: result.loss, ...result.outputs };
  };
}
