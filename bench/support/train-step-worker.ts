/**
 * Our training step in a process of its own, for `train-step.bench.ts`: arguments are the case and the variant. Runs what
 * a run of the product runs: its step executor, or a whole session where the case says so.
 */
import type { Objective } from '../../config/objective';
import { chooseKernels } from '../../engine/kernels';
import { VariableSet } from '../../engine/variables';
import type { RunIndex } from '../../learning/index/run-index';
import { networkFor, parameterCount } from '../../learning/networks/network';
import { labelData, type TrainingData } from '../../learning/training-data';
import { StepExecutor, type Execution } from '../../learning/training/executor';
import { phaseSpecs, type SessionConfig } from '../../learning/training/plan';
import { trainStep, type StepBatch } from '../../learning/training/train-step';
import { caseNamed, edgeOf, noisyBytes, trainCases, type TrainCase } from './cases';
import { endlessSession, noisySource } from './endless-session';
import { requireDevice } from './device';
import { medianStep, serveTurns } from './interleave';

const executions: Readonly<Record<string, Execution & { readonly kernels: 'proven' | 'stock' }>> = {
  compiled: { compile: true, precision: 'float32', kernels: 'proven' },
  bf16: { compile: true, precision: 'bf16', kernels: 'proven' },
  eager: { compile: false, precision: 'float32', kernels: 'proven' },
  stock: { compile: false, precision: 'float32', kernels: 'stock' },
};

const INPUT = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
const LEARNING_RATE = 0.01;
/** Of the session that draws its own batches. */
const CLUSTERS = 40;
const PER_CLUSTER = 10;

const [caseName, variant, device] = process.argv.slice(2);

serveTurns(() => {
  const one = caseNamed(trainCases, caseName);
  const execution = executions[variant];
  requireDevice(device);
  const choice = chooseKernels(execution.kernels);
  const fused = Object.entries(choice).flatMap(([op, { kernel }]) => (kernel === 'fused' ? [op] : []));
  const step = one.wholeSession ? sessionSteps(one, execution) : bareSteps(one, execution);
  const note = `${parameters(one, execution)} parameters; fused kernels: ${fused.join(', ') || 'none'}`;
  return { note, turn: () => medianStep(one.steps, step) };
});

/** Of network and head, as the peer counts its own. */
function parameters(one: TrainCase, execution: Execution): number {
  const specs = phaseSpecs(configOf(one, execution), 'train', networkFor(one.network, 3).specs, classesOf(one));
  return parameterCount(specs);
}

function classesOf({ objective }: TrainCase): number {
  return objective.type === 'softmax' ? objective.classes : CLUSTERS;
}

function bareSteps(one: TrainCase, execution: Execution): () => void {
  const config = configOf(one, execution);
  const { network: options, objective, optimizer } = config;
  const network = networkFor(options, 3);
  const variables = VariableSet.create(phaseSpecs(config, 'train', network.specs, classesOf(one)), (spec) =>
    network.initial(spec, 1),
  );
  const step = trainStep({ network, inputSize: options.inputSize, input: INPUT, objective, optimizer });
  const executor = new StepExecutor(variables, step, execution);
  const batch = batchOf(one);
  let update = 0;
  return () => {
    executor.run({ ...batch, update: ++update });
  };
}

function sessionSteps(one: TrainCase, execution: Execution): () => Promise<void> {
  const config = configOf(one, execution);
  const source = noisySource(edgeOf(one.network.inputSize), CLUSTERS * PER_CLUSTER);
  const index = one.objective.type === 'softmax' ? null : sessionIndex(one.network.embeddingSize);
  return endlessSession({ config, data: sessionData(), source, index });
}

function configOf(one: TrainCase, execution: Execution): SessionConfig {
  return {
    ...execution,
    network: one.network,
    objective: objectiveOf(one),
    optimizer: { type: 'momentum', momentum: 0.9 },
    warmStart: { epochs: 0, learningRate: LEARNING_RATE, batchSize: one.images },
    epochs: 1,
    stepsPerEpoch: 1_000_000,
    annealTo: 1,
    seed: 1,
    views: 1,
    kernels: executions[variant].kernels,
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
