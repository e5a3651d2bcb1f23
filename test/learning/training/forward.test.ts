/** Forward passes, compiled and folded against op by op, and that the bits depend on nothing but weights and batch. */
import { cpuHasBf16, cpuInfo, type Precision } from '../../../engine/compile/bf16';
import { uploadBytes } from '../../../engine/native';
import { memoryReport } from '../../../engine/memory';
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { networkFor, type Network } from '../../../learning/networks/network';
import { ForwardPass, type ForwardShape } from '../../../learning/training/forward';
import { runInChild } from '../../engine/support/child';
import { noise } from '../../engine/support/noise';
import { deviation } from '../../engine/support/reference';

/**
 * Largest deviation of compiled from eager, relative to the largest component. Both round in float32 (6e-8 each op) along
 * some 60 layers in another order, the folded filter once more: 1e-6 as measured.
 */
const BOUND = 1e-5;

const shapeOf = (inputSize: number, batch = 4): ForwardShape => ({
  batch,
  edge: Math.ceil(inputSize * 1.3),
  channels: 3,
  inputSize,
  input: { mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.25, 0.3] },
});

const cases = [
  ['convnet-4', networkFor({ name: 'convnet-4', inputSize: 24, embeddingSize: 16 }, 3), shapeOf(24)],
  // Large enough for Winograd's convolutions.
  ['convnet-4 of 48 px', networkFor({ name: 'convnet-4', inputSize: 48, embeddingSize: 16 }, 3), shapeOf(48, 12)],
  ['googlenet-bn', networkFor({ name: 'googlenet-bn', inputSize: 32, embeddingSize: 16 }, 3), shapeOf(32)],
] as const;

/** Weights with statistics as training leaves them: no batch norm is the identity. */
function weightsOf(network: Network, seed: number): VariableSet {
  return VariableSet.create(network.specs, (spec) => {
    const initial = network.initial(spec, seed);
    if (/\/(scale|variance)$/.test(spec.name)) return noise(initial.length, seed).map((value) => 1 + 0.5 * value);
    return /\/(offset|mean)$/.test(spec.name) ? noise(initial.length, seed + 1).map((value) => 0.2 * value) : initial;
  });
}

function embed(pass: ForwardPass, variables: VariableSet, shape: ForwardShape, seed = 3): Float32Array {
  const { batch, edge, channels } = shape;
  return tf.tidy(() => {
    const forward = pass.by({ read: () => variables.read(), present: () => variables }, shape);
    const pixels = Uint8Array.from(noise(batch * edge * edge * channels, seed), (value) => 127.5 + 127 * value);
    const boxes = tf.tensor2d(Array.from({ length: batch }, (_, i) => [0.1, 0.02 * i, 0.9, 0.8]));
    return forward(uploadBytes(pixels, [batch, edge, edge, channels]), boxes)
      .dataSync<'float32'>()
      .slice();
  });
}

function withPasses<T>(
  network: Network,
  use: (compiled: (precision?: Precision) => ForwardPass, eager: ForwardPass) => T,
): T {
  const passes = [new ForwardPass(network, { compile: false, precision: 'float32' })];
  const compiled = (precision: Precision = 'float32'): ForwardPass => {
    const pass = new ForwardPass(network, { compile: true, precision });
    passes.push(pass);
    return pass;
  };
  try {
    return use(compiled, passes[0]);
  } finally {
    for (const pass of passes) pass.dispose();
  }
}

describe.each(cases)('%s', (_, network, shape) => {
  test('compiled and folded, it gives the eager embeddings to float32 rounding; control: other weights do not', () => {
    const [variables, others] = [weightsOf(network, 1), weightsOf(network, 2)];
    withPasses(network, (compiled, eager) => {
      const pass = compiled();
      const expected = embed(eager, variables, shape);
      expect(deviation(embed(pass, variables, shape), expected)).toBeLessThan(BOUND);
      expect(deviation(embed(pass, others, shape), expected)).toBeGreaterThan(100 * BOUND);
      expect(deviation(embed(pass, others, shape), embed(eager, others, shape))).toBeLessThan(BOUND);
    });
    for (const set of [variables, others]) set.dispose();
  });

  test('in bf16 it deviates by under 2 %, more than float32 does, and gives the same bits again', () => {
    if (!cpuHasBf16(cpuInfo())) return console.warn('bf16: this CPU has no bfloat16 arithmetic; not tested');
    const variables = weightsOf(network, 1);
    withPasses(network, (compiled, eager) => {
      const expected = embed(eager, variables, shape);
      const narrow = embed(compiled('bf16'), variables, shape);
      expect(deviation(narrow, expected)).toBeLessThan(0.02); // 2⁻⁸ a rounding, along some 60 layers
      expect(deviation(narrow, expected)).toBeGreaterThan(BOUND);
      expect(embed(compiled('bf16'), variables, shape)).toEqual(narrow);
    });
    variables.dispose();
  });

  test('B3: the bits are those of a fresh program, whatever weights and batches the program saw before', () => {
    const [variables, others] = [weightsOf(network, 1), weightsOf(network, 2)];
    withPasses(network, (compiled) => {
      const warm = compiled();
      const first = embed(warm, variables, shape);
      embed(warm, others, shape, 4);
      expect(embed(warm, variables, shape)).toEqual(first);
      expect(embed(compiled(), variables, shape)).toEqual(first);
    });
    for (const set of [variables, others]) set.dispose();
  });
});

test('one program for each shape and normalisation, none of which leaves a tensor behind', () => {
  const [, network, shape] = cases[0];
  const variables = weightsOf(network, 1);
  const held = memoryReport();
  withPasses(network, (compiled) => {
    const pass = compiled();
    const first = embed(pass, variables, shape);
    const input = { ...shape.input, mean: [0, 0, 0] };
    expect(embed(pass, variables, { ...shape, input })).not.toEqual(first);
    expect(embed(pass, variables, { ...shape, batch: 2 }).length).toBe(first.length / 2);
    expect(embed(pass, variables, shape)).toEqual(first);
  });
  expect(memoryReport()).toMatchObject({ tensors: held.tensors, nativeTensors: held.nativeTensors });
  variables.dispose();
});

test('B1: two other processes give the same bits', () => {
  const file = '../../learning/training/embedding-digest.ts';
  const first = runInChild(file);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(runInChild(file)).toBe(first);
});
