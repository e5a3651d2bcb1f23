/**
 * What a step costs in ops and tensors, network by network and objective by objective: numbers that do not depend on how
 * busy a machine is. A change that makes steps dearer shows here before any clock does.
 */
import type { Objective } from '../../../config/objective';
import { cpuHasBf16, cpuInfo } from '../../../engine/compile/bf16';
import { Program } from '../../../engine/compile/program';
import { kernelsInUse } from '../../../engine/kernels';
import { binding, withBinding } from '../../../engine/native';
import { runEagerStep, type Step, type TensorRecord } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { networkFor } from '../../../learning/networks/network';
import { compileForward } from '../../../learning/training/forward';
import { phaseSpecs } from '../../../learning/training/plan';
import { trainStep, upload } from '../../../learning/training/train-step';
import { configFor, objectives } from './toy';

interface Counts {
  /** Nodes of the compiled step's graph, those that set and get variables included. */
  readonly nodes: number;
  /** Native calls of one eager step. */
  readonly ops: number;
  /** Native tensors that one eager step makes: outputs of ops, and uploads. */
  readonly tensors: number;
}

/**
 * Of Adam steps on images of 16 pixels with every fused kernel, TensorFlow 2.21, tfjs 4.22. Where a change is meant, put in
 * the numbers that the failing test prints, and say in the commit what they buy.
 */
const golden: Readonly<Record<string, Counts>> = {
  'convnet-4 softmax': { nodes: 453, ops: 129, tensors: 169 },
  'convnet-4 triplet': { nodes: 464, ops: 160, tensors: 225 },
  'convnet-4 magnet': { nodes: 525, ops: 203, tensors: 294 },
  'googlenet-bn softmax': { nodes: 3184, ops: 853, tensors: 1194 },
  'googlenet-bn triplet': { nodes: 3195, ops: 884, tensors: 1250 },
  'googlenet-bn magnet': { nodes: 3256, ops: 927, tensors: 1319 },
};

/** Casts that bf16 adds to a compiled Magnet step: of weights and their gradients, two or three at each layer, and few others. */
const goldenCasts: Readonly<Record<string, number>> = { 'convnet-4': 10, 'googlenet-bn': 102 };

/** Nodes of the forward pass with batch norm folded, in two halves. */
const goldenForward: Readonly<Record<string, number>> = { 'convnet-4': 122, 'googlenet-bn': 943 };

const networks = ['convnet-4', 'googlenet-bn'] as const;
const optionsOf = (name: (typeof networks)[number]): ReturnType<typeof configFor>['network'] => ({
  name,
  inputSize: 16,
  embeddingSize: 8,
});
const INPUT = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };

const stock = Object.entries(kernelsInUse()).filter(([, { kernel }]) => kernel === 'stock');
if (stock.length > 0) {
  console.warn(
    `op counts: not tested, they are of fused kernels and ${stock.map(([op]) => op).join(', ')} is stock here`,
  );
}
const counted = stock.length > 0 ? describe.skip : describe;

counted.each(networks)('%s', (name) => {
  const network = networkFor(optionsOf(name), 3);

  /** The caller disposes batch and variables. */
  function stepOf(objective: Objective): { step: Step; batch: TensorRecord; variables: VariableSet } {
    const config = configFor(objective, { network: optionsOf(name) });
    const specs = phaseSpecs(config, 'train', network.specs, 4);
    const variables = VariableSet.create(specs, (spec) => network.initial(spec, 1));
    const { optimizer } = config;
    const step = trainStep({ network, inputSize: 16, input: INPUT, objective, optimizer });
    const images = objective.type === 'triplet' ? 12 : 8;
    const classes = objective.type === 'magnet' ? 4 : images;
    const batch = upload({
      pixels: new Uint8Array(images * 21 * 21 * 3).map((_, i) => i % 251),
      edge: 21,
      channels: 3,
      boxes: new Float32Array(images * 4).map((_, i) => (i % 4 < 2 ? 0.1 : 0.9)),
      classes: new Int32Array(classes).map((_, i) => i >> 1),
      learningRate: 1e-3,
      update: 1,
    });
    return { step, batch, variables };
  }

  test.each(Object.values(objectives))('a step of $type', (objective) => {
    const { step, batch, variables } = stepOf(objective);
    const program = Program.compile(variables, { train: { step, example: batch } });
    const eager = countsOf(() => tf.dispose(runEagerStep(step, variables, batch)));
    expect({ nodes: program.size.nodes, ...eager }).toEqual(golden[`${name} ${objective.type}`]);
    expect(costsOf(program, batch)).toEqual({ calls: 1, outputs: objective.type === 'triplet' ? 1 : 2 });
    program.dispose();
    tf.dispose(batch);
    variables.dispose();
  });

  test('casts of a step in bf16', () => {
    if (!cpuHasBf16(cpuInfo())) return console.warn('casts of bf16: this CPU has no bfloat16 arithmetic; not counted');
    const { step, batch, variables } = stepOf(objectives.magnet);
    const nodes = (['float32', 'bf16'] as const).map((precision) => {
      const program = Program.compile(variables, { train: { step, example: batch } }, precision);
      program.dispose();
      return program.size.nodes;
    });
    expect(nodes[1] - nodes[0]).toBe(goldenCasts[name]);
    tf.dispose(batch);
    variables.dispose();
  });

  test('a forward pass', () => {
    const shape = { batch: 4, edge: 21, channels: 3, inputSize: 16, input: INPUT };
    const program = compileForward(network, shape, 'float32');
    expect(program.size.nodes).toBe(goldenForward[name]);
    program.dispose();
  });
});

/** Of a compiled step; what it returns must be all that it leaves. */
function costsOf(program: Program, batch: TensorRecord): { calls: number; outputs: number } {
  const native = binding();
  tf.dispose(program.run('train', batch)); // uploads the batch
  const before = native.getNumOfTensors();
  let calls = 0;
  const counting: Parameters<typeof withBinding>[0] = {
    executeOp: (...given) => (calls++, native.executeOp(...given)),
    createTensor: (...given) => (calls++, native.createTensor(...given)),
    runSavedModel: (...given) => (calls++, native.runSavedModel(...given)),
  };
  const outputs = withBinding(counting, () => program.run('train', batch));
  const made = native.getNumOfTensors() - before;
  tf.dispose(outputs);
  expect(native.getNumOfTensors()).toBe(before);
  return { calls, outputs: made };
}

function countsOf(run: () => void): Pick<Counts, 'ops' | 'tensors'> {
  const native = binding();
  let [ops, tensors] = [0, 0];
  const counting: Parameters<typeof withBinding>[0] = {
    executeOp: (op, attributes, inputs, outputs) => {
      const results = native.executeOp(op, attributes, inputs, outputs);
      ops++;
      tensors += results.length;
      return results;
    },
    createTensor: (shape, dtype, values) => {
      tensors++;
      return native.createTensor(shape, dtype, values);
    },
  };
  withBinding(counting, run);
  return { ops, tensors };
}
