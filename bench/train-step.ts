/**
 * The training step on stock kernels, on fused kernels, and compiled, measured in one run:
 *   node dist/bench/train-step.js [--batch 8] [--side 224] [--rounds 10] [--threads 2]
 * Prints milliseconds (median), images a second, the ratio to stock and peak memory. Softmax, momentum, random images.
 */
import { parseArgs } from 'node:util';
import { Program } from '../engine/compile/program';
import { spawnEnvironment } from '../engine/environment';
import { gradients } from '../engine/gradients';
import { chooseKernels } from '../engine/kernels';
import { applyGradients, slotSpecs } from '../engine/ops/optimizers';
import { runEagerStep, type Step, type TensorRecord } from '../engine/step';
import { tf } from '../engine/tf';
import { VariableSet } from '../engine/variables';
import { measureInterleaved, serveTurns, type Measured, type Turn } from './support/interleave';
import { initialValues, logits, networkSpecs, CLASSES } from './support/network';

const variants = ['stock', 'fused', 'compiled'] as const;
type VariantName = (typeof variants)[number];

interface Settings {
  readonly batch: number;
  readonly side: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      batch: { type: 'string', default: '8' },
      side: { type: 'string', default: '224' },
      rounds: { type: 'string', default: '10' },
      threads: { type: 'string', default: '2' },
    },
  });
  const environment = spawnEnvironment(Number(values.threads), { oneDnn: true, deterministic: true });
  const measured = await measureInterleaved(
    __filename,
    [values.batch, values.side],
    variants.map((name) => ({ name, environment })),
    { warmUp: 3, rounds: Number(values.rounds) },
  );
  console.log(`training step, batch ${values.batch} at ${values.side} px, ${values.threads} threads, ${values.rounds} rounds`);
  for (const one of measured) console.log(line(one, measured[0].median, Number(values.batch)));
}

function line({ name, median, peakBytes, note }: Measured, stock: number, batch: number): string {
  const columns = [
    name.padEnd(9),
    `${median.toFixed(0)} ms`.padStart(8),
    `${((batch / median) * 1000).toFixed(1)} img/s`.padStart(13),
    `${(median / stock).toFixed(3)} of stock`.padStart(16),
    `${(peakBytes / 2 ** 20).toFixed(0)} MiB peak`.padStart(15),
  ];
  return `${columns.join('')}   ${note}`;
}

function worker(variant: VariantName, settings: Settings): void {
  const choice = chooseKernels(variant === 'stock' ? 'stock' : 'proven');
  const specs = networkSpecs();
  const variables = VariableSet.create([...specs, ...slotSpecs('momentum', specs)], initialValues);
  const batch = randomBatch(settings);
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
    const losses = tf.oneHot(labels as tf.Tensor1D, CLASSES).mul(logProbabilities).sum(1).neg();
    return { loss: losses.mean<tf.Scalar>(), outputs: {} };
  });
  applyGradients(variables, found, { type: 'momentum', learningRate: learningRate as tf.Scalar, momentum: 0.9 });
  return { loss };
};

function randomBatch({ batch, side }: Settings): TensorRecord {
  return {
    images: tf.randomUniform([batch, side, side, 3], -1, 1, 'float32', 7),
    labels: tf.tensor1d(Int32Array.from({ length: batch }, (_, i) => i % CLASSES), 'int32'),
    learningRate: tf.scalar(0.01),
  };
}

if (process.send === undefined) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
} else {
  const [variant, batch, side] = process.argv.slice(2);
  worker(variants.find((name) => name === variant) ?? 'fused', { batch: Number(batch), side: Number(side) });
}
