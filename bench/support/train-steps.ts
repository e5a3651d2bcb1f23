/**
 * Training steps of the benches' cases, as a run of the product makes them: its step executor alone, or a whole session. Knows
 * cases; does not know how steps are timed.
 */
import type { Objective } from '../../config/objective';
import type { Precision } from '../../engine/compile/bf16';
import { Program } from '../../engine/compile/program';
import type { Step, TensorRecord } from '../../engine/step';
import { tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';
import type { RunIndex } from '../../learning/index/run-index';
import { networkFor, parameterCount } from '../../learning/networks/network';
import { labelData, type TrainingData } from '../../learning/training-data';
import { StepExecutor, type Execution } from '../../learning/training/executor';
import { phaseSpecs, type SessionConfig } from '../../learning/training/plan';
import { trainStep, trainStepOnInputs, type StepBatch } from '../../learning/training/train-step';
import { edgeOf, noisyBytes, type TrainCase } from './cases';
import { endlessSession, noisySource } from './endless-session';

/** How steps run, with which kernels, and from what: stored bytes, or the network's own input, as the peers' do. */
export interface StepVariant extends Execution {
  readonly kernels: 'proven' | 'stock';
  readonly from: 'bytes' | 'floats';
}

export const stepVariants: Readonly<Record<string, StepVariant>> = {
  compiled: { compile: true, precision: 'float32', kernels: 'proven', from: 'bytes' },
  bf16: { compile: true, precision: 'bf16', kernels: 'proven', from: 'bytes' },
  floats: { compile: true, precision: 'float32', kernels: 'proven', from: 'floats' },
  'floats-bf16': { compile: true, precision: 'bf16', kernels: 'proven', from: 'floats' },
  eager: { compile: false, precision: 'float32', kernels: 'proven', from: 'bytes' },
  stock: { compile: false, precision: 'float32', kernels: 'stock', from: 'bytes' },
};

const INPUT = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
const LEARNING_RATE = 0.01;
/** Of the session that draws its own batches. */
const CLUSTERS = 40;
const PER_CLUSTER = 10;

/** Of network and head, as the peer counts its own. */
export function parametersOf(one: TrainCase, variant: StepVariant): number {
  const specs = phaseSpecs(configOf(one, variant), 'train', networkFor(one.network, 3).specs, classesOf(one));
  return parameterCount(specs);
}

function classesOf({ objective }: TrainCase): number {
  return objective.type === 'softmax' ? objective.classes : CLUSTERS;
}

export function bareSteps(one: TrainCase, variant: StepVariant): () => void {
  const config = configOf(one, variant);
  const { network: options, objective, optimizer } = config;
  const network = networkFor(options, 3);
  const variables = VariableSet.create(phaseSpecs(config, 'train', network.specs, classesOf(one)), (spec) =>
    network.initial(spec, 1),
  );
  const batch = batchOf(one);
  if (variant.from === 'floats') {
    const floats = trainStepOnInputs({ network, objective, optimizer });
    return stepsFromFloats(one, { variables, step: floats, batch, precision: variant.precision });
  }
  const step = trainStep({ network, inputSize: options.inputSize, input: INPUT, objective, optimizer });
  const executor = new StepExecutor(variables, step, variant);
  let update = 0;
  return () => {
    executor.run({ ...batch, update: ++update });
  };
}

interface FloatSteps {
  /** Left to the program. */
  readonly variables: VariableSet;
  readonly step: Step;
  readonly batch: StepBatch;
  readonly precision: Precision;
}

/** One compiled call a step; what it says is read, as the executor does. */
function stepsFromFloats(
  { network: { inputSize }, images }: TrainCase,
  { variables, step, batch: { classes, learningRate }, precision }: FloatSteps,
): () => void {
  const x = tf.randomUniform([images, inputSize, inputSize, 3], -1, 1, 'float32', 7);
  const inputs = (update: number): TensorRecord => ({
    classes: tf.tensor1d(classes, 'int32'),
    learningRate: tf.scalar(learningRate),
    update: tf.scalar(update),
  });
  const program = Program.compile(variables, { train: { step, example: { x, ...inputs(1) } } }, precision);
  variables.dispose();
  let update = 0;
  return () => {
    const given = inputs(++update);
    const outputs = program.run('train', { x, ...given });
    for (const output of Object.values(outputs)) output.dataSync();
    tf.dispose([given, outputs]);
  };
}

export function sessionSteps(one: TrainCase, variant: StepVariant): () => Promise<void> {
  const config = configOf(one, variant);
  const source = noisySource(edgeOf(one.network.inputSize), CLUSTERS * PER_CLUSTER);
  const index = one.objective.type === 'softmax' ? null : sessionIndex(one.network.embeddingSize);
  return endlessSession({ config, data: sessionData(), source, index });
}

function configOf(one: TrainCase, variant: StepVariant): SessionConfig {
  return {
    ...variant,
    network: one.network,
    objective: objectiveOf(one),
    optimizer: { type: 'momentum', momentum: 0.9 },
    warmStart: { epochs: 0, learningRate: LEARNING_RATE, batchSize: one.images },
    epochs: 1,
    stepsPerEpoch: 1_000_000,
    annealTo: 1,
    seed: 1,
    views: 1,
  };
}

function objectiveOf({ objective, images }: TrainCase): Objective {
  if (objective.type === 'softmax') return { type: 'softmax', learningRate: LEARNING_RATE, batchSize: images };
  return {
    type: 'magnet',
    learningRate: LEARNING_RATE,
    alpha: 1,
    globalScaling: 1,
    clustersPerClass: 2,
    clustersPerBatch: objective.clusters,
    examplesPerCluster: objective.perCluster,
  };
}

function batchOf({ network, objective, images }: TrainCase): StepBatch {
  const edge = edgeOf(network.inputSize);
  const groups = objective.type === 'softmax' ? images : objective.clusters;
  return {
    pixels: noisyBytes(images * edge * edge * 3),
    edge,
    channels: 3,
    boxes: Float32Array.from({ length: images * 4 }, (_, i) => (i % 4 < 2 ? 0.05 : 0.85)),
    classes: Int32Array.from({ length: groups }, (_, i) => i >> 1),
    learningRate: LEARNING_RATE,
    update: 1,
  };
}

function sessionData(): TrainingData {
  const records = Array.from({ length: CLUSTERS * PER_CLUSTER }, (_, i) => ({
    path: `${i}.png`,
    split: 'train' as const,
    labels: { kind: String(Math.floor(i / (2 * PER_CLUSTER))) },
  }));
  return labelData(records, { label: 'kind', fineLabel: null, pairing: null, trainOn: 'train' });
}

/** Clusters of ten examples, two to a class, with arbitrary centroids. */
function sessionIndex(embeddingSize: number): RunIndex {
  const noise = noisyBytes(CLUSTERS * embeddingSize);
  return {
    type: 'clusters',
    centroids: Float32Array.from(noise, (byte) => byte / 255),
    clusterClass: Int32Array.from({ length: CLUSTERS }, (_, cluster) => cluster >> 1),
    assignments: Int32Array.from({ length: CLUSTERS * PER_CLUSTER }, (_, example) => Math.floor(example / PER_CLUSTER)),
    variance: 1,
    embeddingSize,
  };
}
