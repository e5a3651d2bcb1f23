import {
  applyAdam,
  applyGradients,
  applyMomentum,
  slotSpecs,
  type OptimizerSettings,
} from '../../../engine/ops/optimizers';
import { tf } from '../../../engine/tf';
import { VariableSet, type VariableSpec } from '../../../engine/variables';
import { noise } from '../support/noise';

const model: VariableSpec[] = [
  { name: 'conv/w', shape: [4], role: 'trained' },
  { name: 'conv/mean', shape: [4], role: 'statistic' },
  { name: 'head/w', shape: [4], role: 'trained' },
];

afterEach(() => expect(tf.memory().numTensors).toBe(0));

test('slots are named by the variable, of its shape, for trained variables alone', () => {
  const shape = [4];
  expect(slotSpecs('momentum', model)).toEqual([
    { name: 'conv/w/momentum', shape, role: 'slot' },
    { name: 'head/w/momentum', shape, role: 'slot' },
  ]);
  expect(slotSpecs('adam', model).map(({ name }) => name)).toEqual([
    'conv/w/adam-m',
    'conv/w/adam-v',
    'head/w/adam-m',
    'head/w/adam-v',
  ]);
});

function after(
  type: OptimizerSettings['type'],
  steps: readonly number[],
  update: (set: VariableSet, step: number) => void,
) {
  const set = VariableSet.create([...model, ...slotSpecs(type, model)], ({ role }) =>
    role === 'slot' ? new Float32Array(4) : noise(4, 1),
  );
  for (const step of steps) tf.tidy(() => update(set, step));
  const values = set.read();
  set.dispose();
  return values;
}

const gradientsOf = (step: number): Map<string, tf.Tensor> =>
  new Map([
    ['conv/w', tf.tensor(noise(4, step))],
    ['head/w', tf.tensor(noise(4, 50 + step))],
  ]);
const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
const momentum = { learningRate: 0.1, momentum: 0.9 };

test('updating one by one and all at once, by numbers and by tensors, gives the same bits', () => {
  const oneByOne = after('adam', [1, 2, 3], (set, step) => {
    for (const [name, gradient] of gradientsOf(step)) applyAdam(set, name, gradient, { ...adam, step });
  });
  const atOnce = after('adam', [1, 2, 3], (set, step) => {
    const settings = { ...adam, learningRate: tf.scalar(0.1), step: tf.scalar(step) };
    applyGradients(set, gradientsOf(step), { type: 'adam', ...settings });
  });
  expect(atOnce).toEqual(oneByOne);

  const momentumOneByOne = after('momentum', [1, 2], (set, step) => {
    for (const [name, gradient] of gradientsOf(step)) applyMomentum(set, name, gradient, momentum);
  });
  const momentumAtOnce = after('momentum', [1, 2], (set, step) =>
    applyGradients(set, gradientsOf(step), { type: 'momentum', ...momentum }),
  );
  expect(momentumAtOnce).toEqual(momentumOneByOne);
});

test("adam's state is in slots and step number alone: a set restored after step 2 takes step 3 to the same bits", () => {
  const step = (set: VariableSet, number: number): void =>
    applyGradients(set, gradientsOf(number), { type: 'adam', ...adam, step: number });
  const straight = after('adam', [1, 2, 3], step);
  const half = after('adam', [1, 2], step);
  const resumed = after('adam', [3], (set, number) => {
    set.restore(half);
    step(set, number);
  });
  expect(resumed).toEqual(straight);

  const control = after('adam', [1], (set) => {
    set.restore(half);
    step(set, 1); // a forgotten step number
  });
  expect(control.get('conv/w')).not.toEqual(straight.get('conv/w'));
});

test('statistics are not touched, and a missing slot is an error that names it', () => {
  const values = after('momentum', [1], (set, step) =>
    applyGradients(set, gradientsOf(step), { type: 'momentum', ...momentum }),
  );
  expect(values.get('conv/mean')).toEqual(noise(4, 1));
  const set = VariableSet.create(model, () => noise(4, 1));
  tf.tidy(() => {
    expect(() => applyMomentum(set, 'conv/w', tf.zeros([4]), momentum)).toThrow(/"conv\/w\/momentum"/);
  });
  set.dispose();
});
