import { Program } from '../../../engine/compile/program';
import { gradients } from '../../../engine/gradients';
import { binding, uploadBytes, withBinding } from '../../../engine/native';
import { cropResizeTensors } from '../../../engine/augment';
import { batchNormInference } from '../../../engine/ops/batch-norm';
import { conv2d, globalAveragePool, maxPool, relu } from '../../../engine/ops/layers';
import { collectGarbage, memoryReport } from '../../../engine/memory';
import { runEagerStep, type Step, type TensorRecord } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { noise } from '../support/noise';
import { deviation } from '../support/reference';
import { smallBatch, smallNet, smallStep } from '../support/small-net';

function valuesOf(outputs: TensorRecord): Record<string, number[]> {
  const values = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, [...tensor.dataSync()]]));
  tf.dispose(outputs);
  return values;
}

afterEach(() => expect(tf.memory().numTensors).toBe(0));

describe.each(['momentum', 'adam'] as const)('a net with every layer under %s', (optimizer) => {
  test('20 compiled steps give the losses and variables of 20 eager ones, bit for bit', () => {
    const variables = smallNet(optimizer);
    const step = smallStep(optimizer);
    const dummy = smallBatch(99);
    const program = Program.compile(variables, { train: { step, example: dummy } });
    const batches = Array.from({ length: 20 }, (_, i) => smallBatch(i));
    for (const batch of batches) {
      expect(valuesOf(program.run('train', batch))).toEqual(valuesOf(runEagerStep(step, variables, batch)));
    }
    expect(program.read()).toEqual(variables.read());
    tf.dispose([dummy, batches]);
    program.dispose();
    variables.dispose();
  });

  test('ten steps are five, export, another program, five: bit for bit', () => {
    const variables = smallNet(optimizer);
    const step = smallStep(optimizer);
    const batches = Array.from({ length: 10 }, (_, i) => smallBatch(i));
    const compile = (): Program => Program.compile(variables, { train: { step, example: batches[0] } });
    const [straight, first, second] = [compile(), compile(), compile()];
    for (const batch of batches) tf.dispose(straight.run('train', batch));
    for (const batch of batches.slice(0, 5)) tf.dispose(first.run('train', batch));
    second.restore(first.read());
    for (const batch of batches.slice(5)) tf.dispose(second.run('train', batch));
    expect(second.read()).toEqual(straight.read());
    expect(first.read()).not.toEqual(straight.read());
    for (const program of [straight, first, second]) program.dispose();
    tf.dispose(batches);
    variables.dispose();
  });
});

test('tracing leaves the set as it was; neither tracing nor 10,000 steps leave a tensor or grow the process', () => {
  const variables = smallNet('momentum');
  const batch = smallBatch(0);
  const before = variables.read();
  const compile = (): Program => Program.compile(variables, { train: { step: smallStep('momentum'), example: batch } });
  compile().dispose();
  expect(variables.read()).toEqual(before);
  variables.forgetReads();
  const held = memoryReport();
  const program = compile();
  const steps = (count: number): void => {
    for (let i = 0; i < count; i++) tf.dispose(program.run('train', batch));
  };
  steps(500);
  collectGarbage();
  const [heap, { residentBytes }] = [process.memoryUsage().heapUsed, memoryReport()];
  steps(10_000);
  collectGarbage();
  variables.forgetReads();
  const after = memoryReport();
  expect(after).toMatchObject({ tensors: held.tensors, nativeTensors: held.nativeTensors });
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(1_000_000); // 100 bytes a step
  expect(after.residentBytes - residentBytes).toBeLessThan(50_000_000); // a batch kept at each step would be 140 MB
  program.dispose();
  tf.dispose(batch);
  variables.dispose();
});

test('R4: recording takes less memory than running: what is large is dropped as soon as its shape is known', () => {
  const variables = VariableSet.create([{ name: 'w', shape: [1], role: 'trained' }], () => Float32Array.of(1));
  const layers = 40; // of 2 MB, and a gradient of each
  const step: Step = (set, { x }) => {
    const found = gradients(set, () => {
      let y = x.mul(set.get('w'));
      for (let i = 0; i < layers; i++) y = y.mul(y); // the tape keeps each
      return { loss: y.mean<tf.Scalar>(), outputs: {} };
    });
    return { gradient: found.gradients.get('w') as tf.Tensor };
  };
  const batch = { x: tf.ones([512, 1024]) };
  const alive = { now: 0, most: 0 };
  const native = binding();
  const sizes = new Map<number, number>();
  const watching: Parameters<typeof withBinding>[0] = {
    executeOp: (op, attributes, inputs, outputs) => {
      const results = native.executeOp(op, attributes, inputs, outputs);
      for (const { id, shape } of results) {
        sizes.set(id, op === 'ReadVariableOp' ? 0 : 4 * shape.reduce((a, b) => a * b, 1));
        alive.now += sizes.get(id) ?? 0;
      }
      alive.most = Math.max(alive.most, alive.now);
      return results;
    },
    deleteTensor: (id) => {
      alive.now -= sizes.get(id) ?? 0;
      sizes.delete(id);
      native.deleteTensor(id);
    },
  };
  const program = withBinding(watching, () => Program.compile(variables, { step: { step, example: batch } }));
  expect(alive.most).toBeLessThan(8 * 2 ** 21);
  expect(alive.most).toBeGreaterThan(2 * 2 ** 21); // control: it was counted
  const eager = { ...alive, most: 0 };
  Object.assign(alive, { now: 0, most: 0 });
  withBinding(watching, () => tf.dispose(runEagerStep(step, variables, batch)));
  expect(alive.most).toBeGreaterThan(layers * 2 ** 21);
  expect(eager.now).toBeLessThan(2 ** 18);
  expect(valuesOf(program.run('step', batch)).gradient).toEqual([2 ** layers]);
  program.dispose();
  tf.dispose(batch);
  variables.dispose();
});

test('C2: several steps share the variables, each with its own shapes; bytes are an input type', () => {
  const variables = VariableSet.create([{ name: 'sum', shape: [2], role: 'statistic' }], () => new Float32Array(2));
  const add: Step = (set, { x }) => {
    set.assign('sum', set.get('sum').add(x.sum(0)));
    return { sum: set.get('sum'), before: x };
  };
  const crop: Step = (set, { images, boxes }) => ({
    crops: cropResizeTensors(images, boxes as tf.Tensor2D, 2, { mean: [0], deviation: [1 / 255] }).mul(
      set.get('sum').max(),
    ),
  });
  const [one, three] = [{ x: tf.ones([1, 2]) }, { x: tf.ones([3, 2]) }];
  const photos = { images: uploadBytes(Uint8Array.of(1, 2, 3, 4), [1, 2, 2, 1]), boxes: tf.tensor2d([[0, 0, 1, 1]]) };
  const program = Program.compile(variables, {
    one: { step: add, example: one },
    three: { step: add, example: three },
    crop: { step: crop, example: photos },
  });
  expect(valuesOf(program.run('one', one)).sum).toEqual([1, 1]);
  expect(valuesOf(program.run('three', three)).sum).toEqual([4, 4]);
  expect(valuesOf(program.run('one', one)).sum).toEqual([5, 5]);
  expect(valuesOf(program.run('crop', photos)).crops.map(Math.round)).toEqual([5, 10, 15, 20]);
  expect([...(variables.read().get('sum') ?? [])]).toEqual([0, 0]);
  const wrong = tf.zeros([1, 2, 2, 1], 'int32');
  expect(() => program.run('crop', { ...photos, images: wrong })).toThrow(/"images"/);
  expect(() => program.run('one', three)).toThrow(/"x" is float32 \[3, 2\], was compiled for \[1, 2\]/);
  expect(() => program.run('one', {})).toThrow(/no "x"/);
  tf.dispose([one, three, photos, wrong]);
  program.dispose();
  variables.dispose();
});

test('a forward pass in the same program uses the weights that its training step made', () => {
  const variables = smallNet('momentum');
  const batch = smallBatch(0);
  const embed: Step = (set, { x }) => {
    const names = { scale: 'conv/scale', offset: 'conv/offset', mean: 'conv/mean', variance: 'conv/variance' };
    const normalised = batchNormInference(conv2d(x, set.get('conv/filter'), 1), set, names);
    return { embedding: globalAveragePool(maxPool(relu(normalised), 3, 2)) };
  };
  const program = Program.compile(variables, {
    train: { step: smallStep('momentum'), example: batch },
    embed: { step: embed, example: { x: batch.x } },
  });
  const untrained = valuesOf(program.run('embed', { x: batch.x }));
  for (const seed of [0, 1, 2]) {
    const next = smallBatch(seed);
    tf.dispose([program.run('train', next), next]);
  }
  const trained = valuesOf(program.run('embed', { x: batch.x }));
  expect(trained).not.toEqual(untrained);
  variables.restore(program.read());
  // the graph optimizer rewrites batch norm in inference: equal to rounding, not to the bit as training steps are
  const eager = valuesOf(runEagerStep(embed, variables, batch));
  expect(deviation(trained.embedding, eager.embedding)).toBeLessThan(1e-6);
  expect(deviation(untrained.embedding, eager.embedding)).toBeGreaterThan(1e-3);
  tf.dispose(batch);
  program.dispose();
  variables.dispose();
});

test('G1, G2: reads and writes of a variable keep their order, and any one output makes all writes happen', () => {
  const variables = VariableSet.create([{ name: 'v', shape: [], role: 'statistic' }], () => Float32Array.of(1));
  const step: Step = (set, { x }) => {
    const first = set.get('v').mul(10); // 10 v
    set.assign('v', set.get('v').add(x)); // v + x
    const second = set.get('v').mul(10);
    set.assign('v', set.get('v').mul(2)); // 2 (v + x)
    return { first, second, constant: x.mul(0) };
  };
  const batch = { x: tf.scalar(3) };
  const program = Program.compile(variables, { step: { step, example: batch } });
  expect(valuesOf(program.run('step', batch))).toEqual({ first: [10], second: [40], constant: [0] });
  expect(program.read().get('v')).toEqual(Float32Array.of(8));
  expect(valuesOf(program.run('step', batch))).toEqual({ first: [80], second: [110], constant: [0] });
  expect(program.read().get('v')).toEqual(Float32Array.of(22));
  tf.dispose(batch);
  program.dispose();
  variables.dispose();
});

describe('what cannot be compiled is refused by name', () => {
  const cases: [string, RegExp, Step][] = [
    ['reading a batch', /reads a tensor's data.*"x"/, (_, { x }) => ({ y: x.mul(x.dataSync()[0]) })],
    ['reading an intermediate', /reads a tensor's data.*Sum/, (_, { x }) => ({ y: x.mul(x.sum().arraySync()) })],
    [
      'reading a variable',
      /reads a tensor's data.*ReadVariableOp/,
      (set, { x }) => ({ y: x.mul(set.get('v').dataSync()[0]) }),
    ],
    [
      'numbers drawn in JavaScript',
      /two runs of the step "s" differ.*constant/,
      (_, { x }) => ({ y: x.mul(tf.randomUniform([4])) }),
    ],
    ['a native generator', /runs Multinomial/, (_, { x }) => ({ y: tf.multinomial(x as tf.Tensor1D, 2) })],
    [
      'a big constant',
      /constant of shape \[300, 300\]/,
      (_, { x }) => ({ y: x.add(tf.tensor(noise(90_000, 1), [300, 300]).sum()) }),
    ],
    ['a variable of another set', /variable of another set/, (_, { x }) => ({ y: x.add(stranger.get('u')) })],
  ];
  let stranger: VariableSet;
  let variables: VariableSet;
  beforeEach(() => {
    stranger = VariableSet.create([{ name: 'u', shape: [4], role: 'trained' }], () => noise(4, 1));
    variables = VariableSet.create([{ name: 'v', shape: [4], role: 'trained' }], () => noise(4, 2));
  });
  afterEach(() => {
    stranger.dispose();
    variables.dispose();
  });

  test.each(cases)('%s', (_, message, step) => {
    const example = { x: tf.tensor1d([1, 2, 3, 4]) };
    const before = variables.read();
    const kernel = binding();
    expect(() => Program.compile(variables, { s: { step, example } })).toThrow(message);
    expect(binding()).toBe(kernel);
    expect(variables.read()).toEqual(before);
    tf.dispose(example);
  });

  test('a counter in JavaScript', () => {
    let count = 0;
    const example = { x: tf.tensor1d([1, 2, 3, 4]) };
    const step: Step = (_, { x }) => ({ y: x.mul(++count) });
    expect(() => Program.compile(variables, { s: { step, example } })).toThrow(/two runs of the step "s" differ/);
    tf.dispose(example);
  });
});

test('C3: after a run that failed midway the program asks for a restore, and goes on after it', () => {
  const variables = VariableSet.create([{ name: 'v', shape: [3], role: 'trained' }], () => Float32Array.of(1, 2, 3));
  const pick: Step = (set, { i }) => ({ y: tf.gather(set.get('v'), i) });
  const [good, bad] = [{ i: tf.tensor1d([0, 2], 'int32') }, { i: tf.tensor1d([0, 9], 'int32') }];
  const program = Program.compile(variables, { pick: { step: pick, example: good } });
  expect(() => program.run('pick', bad)).toThrow(/9 is not in \[0, 3\)/);
  expect(() => program.run('pick', good)).toThrow(/Restore the last checkpoint/);
  program.restore(new Map([['v', Float32Array.of(4, 5, 6)]]));
  expect(valuesOf(program.run('pick', good)).y).toEqual([4, 6]);
  expect(() => program.restore(new Map([['w', Float32Array.of(1)]]))).toThrow(/v: missing; w: not a variable/);
  tf.dispose([good, bad]);
  program.dispose();
  variables.dispose();
});

test('C4: when values are set, nothing of JavaScript stays in the variables', async () => {
  // Of many sizes: the addon shares what happens to be aligned, and copies the rest.
  const specs = Array.from({ length: 64 }, (_, i) => ({ name: `v${i}`, shape: [33 + i], role: 'trained' as const }));
  const variables = VariableSet.create(specs, ({ shape }) => noise(shape[0], 1));
  const example = { x: tf.scalar(1) };
  const step: Step = (set, { x }) => ({ y: x.mul(set.get('v0')) });
  const program = Program.compile(variables, { only: { step, example } });

  const given: WeakRef<ArrayBufferView>[] = [];
  const native = binding();
  const spy: Parameters<typeof withBinding>[0] = {
    createTensor: (shape, dtype, values) => {
      given.push(new WeakRef(values));
      return native.createTensor(shape, dtype, values);
    },
  };
  withBinding(spy, () => program.restore(variables.read()));
  await new Promise(setImmediate); // a WeakRef holds on until the present job ends
  collectGarbage();
  expect(given).toHaveLength(specs.length);
  expect(given.filter((values) => values.deref() !== undefined)).toEqual([]);
  expect(program.read()).toEqual(variables.read());
  program.dispose();
  variables.dispose();
  tf.dispose(example);
});
