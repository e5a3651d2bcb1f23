/** A run of GoogLeNet-BN in small, in one process: what it holds after each of its parts. Argument: the precision. */
import type { Precision } from '../../engine/compile/bf16';
import { memoryReport } from '../../engine/memory';
import { buildClusterIndex } from '../../learning/index/cluster';
import { classesOf, labelData } from '../../learning/training-data';
import { TrainingSession, type EpochHooks } from '../../learning/training/session';
import { edgeOf } from './cases';
import { noisySource } from './endless-session';
import { inPhase, type Phase } from './phases';
import { sessionConfig } from './session-config';

export interface MemoryPhase extends Phase {
  readonly tensors: number;
}

const INPUT = 224;
const CLASSES = 12;
const STEPS = 3;
const BATCH = 48;

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const hooks: EpochHooks = { onStep: () => undefined, afterStep: macrotask, shouldStop: () => false };
const tensors = (): object => ({ tensors: memoryReport().nativeTensors });

async function main(precision: Precision): Promise<void> {
  const config = sessionConfig({
    network: { name: 'googlenet-bn', inputSize: INPUT, embeddingSize: 1024 },
    optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    warmStart: { epochs: 1, learningRate: 1e-3, batchSize: BATCH },
    epochs: 1,
    stepsPerEpoch: STEPS,
    precision,
  });
  const records = Array.from({ length: STEPS * BATCH }, (_, i) => ({
    path: `${String(i).padStart(3, '0')}.png`,
    split: 'train' as const,
    labels: { kind: String(i % CLASSES) },
  }));
  const data = labelData(records, { label: 'kind', fineLabel: null, pairing: null, trainOn: 'train' });
  const source = noisySource(edgeOf(INPUT), records.length);

  const session = await inPhase('loaded', () => TrainingSession.create(config, data, source), tensors);
  await inPhase('warm start', () => session.trainEpoch(1, null, hooks), tensors);
  session.beginTraining();
  const embed = (): Promise<Float32Array> => session.embed(data.train, macrotask);
  const embeddings = await inPhase('refresh', embed, tensors);
  const { index } = buildClusterIndex({
    embeddings,
    embeddingSize: session.embeddingSize,
    classes: classesOf(data, data.train, 'trained'),
    classNames: data.classes,
    clustersPerClass: 2,
    previous: null,
    seed: 1,
    epoch: 0,
  });
  await inPhase('Magnet', () => session.trainEpoch(1, index, hooks), tensors);
  await inPhase('checkpoint', () => session.capture(), tensors);
  await inPhase('refresh again', embed, tensors);
}

main(process.argv[2] as Precision).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
