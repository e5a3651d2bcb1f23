/**
 * One variant of the training step in a process of its own, for `train-step.ts`:
 * arguments are the variant, the batch size and the side in pixels; each message asks for one step.
 */
import { Program } from '../../engine/compile/program';
import { gradients } from '../../engine/gradients';
import { chooseKernels } from '../../engine/kernels';
import { applyGradients, slotSpecs } from '../../engine/ops/optimizers';
import { runEagerStep, type Step, type TensorRecord } from '../../engine/step';
import { tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';
import { serveTurns, type Turn } from './interleave';
import { CLASSES, initialValues, logits, networkSpecs } from './network';

function work(variant: string, batchSize: number, side: number): void {
  const choice = chooseKernels(variant === 'stock' ? 'stock' : 'proven');
  const specs = networkSpecs();
  const variables = VariableSet.create([...specs, ...slotSpecs('momentum', specs)], initialValues);
  const batch = randomBatch(batchSize, side);
  const takeStep = variant === 'compiled' ? compiledStep(variables, batch) : () => runEagerStep(step, variables, batch);
  const fused = Object.entries(choice).flatMap(([op, { kernel }]) => (kernel === 'fused' ? [op] : []));
  const note = `fused: ${fused.join(', ') || 'none'}`;
  serveTurns((): Turn => {
    const start = performance.now();
    const outputs = takeStep();
    outputs.loss.dataSync(); // waits for a device that works on its own
    const milliseconds = performance.now() - start;
    tf.dispose(outputs);
    return { milliseconds, peakBytes: process.resourceUsage().maxRSS * 1024, note };
  });
}

function compiledStep(variables: VariableSet, batch: TensorRecord): () => TensorRecord {
  const program = Program.compile(variables, { train: { step, example: batch } });
  return () => program.run('train', batch);
}

const step: Step = (variables, { images, labels, learningRate }) => {
  const { loss, gradients: found } = gradients(variables, () => {
    const logProbabilities = tf.logSoftmax(logits(images, variables));
    const losses = tf
      .oneHot(labels as tf.Tensor1D, CLASSES)
      .mul(logProbabilities)
      .sum(1)
      .neg();
    return { loss: losses.mean<tf.Scalar>(), outputs: {} };
  });
  applyGradients(variables, found, { type: 'momentum', learningRate: learningRate as tf.Scalar, momentum: 0.9 });
  return { loss };
};

function randomBatch(batchSize: number, side: number): TensorRecord {
  return {
    images: tf.randomUniform([batchSize, side, side, 3], -1, 1, 'float32', 7),
    labels: tf.tensor1d(
      Int32Array.from({ length: batchSize }, (_, i) => i % CLASSES),
      'int32',
    ),
    learningRate: tf.scalar(0.01),
  };
}

const [variant, batchSize, side] = process.argv.slice(2);
work(variant, Number(batchSize), Number(side));
