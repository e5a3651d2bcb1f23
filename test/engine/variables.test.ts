import { attribute, runOp } from '../../engine/native';
import { tf } from '../../engine/tf';
import { VariableSet, type VariableSpec } from '../../engine/variables';
import { noise } from './support/noise';

const specs: VariableSpec[] = [
  { name: 'w', shape: [2, 3], role: 'trained' },
  { name: 'mean', shape: [3], role: 'statistic' },
  { name: 'count', shape: [], role: 'slot' },
];
const sizes: Record<string, number> = { w: 6, mean: 3, count: 1 };
const zeros = ({ name }: VariableSpec): Float32Array => new Float32Array(sizes[name]);

/** Bit patterns that arithmetic or text would lose: NaNs with payloads, −0, the smallest subnormal, the largest float. */
const awkward = new Uint32Array([0x7fc00000, 0x7f800001, 0xffc12345, 0x80000000, 0x00000001, 0x7f7fffff]);

function bits(values: Float32Array | undefined): number[] {
  return values === undefined ? [] : [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
}

let variables: VariableSet;
beforeEach(() => (variables = VariableSet.create(specs, zeros)));
afterEach(() => {
  variables.dispose();
  expect(tf.memory().numTensors).toBe(0);
});

test('V3: what is restored is read again bit for bit, and other variables keep their bits', () => {
  const stored = new Map([
    ['w', new Float32Array(awkward.buffer)],
    ['mean', noise(3, 1)],
    ['count', Float32Array.of(-0)],
  ]);
  variables.restore(stored);
  const read = variables.read();
  expect([...read.keys()]).toEqual(['w', 'mean', 'count']);
  for (const [name, values] of stored) expect(bits(read.get(name))).toEqual(bits(values));
});

test('V3: arrays given and arrays read are copies', () => {
  const given = noise(6, 2);
  const stored = new Map([
    ['w', given],
    ['mean', noise(3, 3)],
    ['count', Float32Array.of(7)],
  ]);
  variables.restore(stored);
  const before = bits(given);
  given.fill(9);
  const read = variables.read().get('w');
  expect(bits(read)).toEqual(before);
  read?.fill(8);
  expect(bits(variables.read().get('w'))).toEqual(before);
});

test('V1, V2: get gives one tensor until the variable is written, and a write drops it', () => {
  const first = variables.get('w');
  expect(variables.get('w')).toBe(first);
  tf.tidy(() => variables.assign('w', tf.ones([2, 3])));
  expect(first.isDisposed).toBe(true);
  expect([...variables.get('w').dataSync()]).toEqual([1, 1, 1, 1, 1, 1]);
});

test('V2: a clone that someone still holds keeps its values when the resource is updated in place', () => {
  const held = variables.get('w').clone();
  const delta = tf.ones([2, 3]);
  variables.write(['w'], ([handle]) => runOp('AssignAddVariableOp', [attribute.float32('dtype')], [handle, delta], 0));
  expect([...held.dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
  expect([...variables.get('w').dataSync()]).toEqual([1, 1, 1, 1, 1, 1]);
  tf.dispose([held, delta]);
});

test('get survives a tidy, and a caller who disposes the tensor by mistake', () => {
  const inside = tf.tidy(() => void variables.get('w')) ?? variables.get('w');
  expect(inside.isDisposed).toBe(false);
  inside.dispose();
  expect(variables.get('w').isDisposed).toBe(false);
});

test('restore names what is missing, extra and misshaped, and writes nothing', () => {
  const before = bits(variables.read().get('count'));
  const wrong = new Map([
    ['w', noise(5, 1)],
    ['count', Float32Array.of(3)],
    ['extra', noise(2, 1)],
  ]);
  const attempt = (): void => variables.restore(wrong);
  expect(attempt).toThrow(/w: got 5 values, must be 6 for shape \[2, 3\]/);
  expect(attempt).toThrow(/mean: missing/);
  expect(attempt).toThrow(/extra: not a variable of this model/);
  expect(bits(variables.read().get('count'))).toEqual(before);
});

test('assign refuses another shape or type; create refuses a name given twice and values of another size', () => {
  tf.tidy(() => {
    expect(() => variables.assign('w', tf.zeros([3, 2]))).toThrow(/w: got float32 \[3, 2\], must be float32 \[2, 3\]/);
    expect(() => variables.assign('mean', tf.zeros([3], 'int32'))).toThrow(/int32/);
  });
  expect(() => VariableSet.create([specs[0], specs[0]], zeros)).toThrow(/"w" twice/);
  expect(() => VariableSet.create(specs, () => new Float32Array(6))).toThrow(/mean: got 6 values, must be 3/);
  expect(() => variables.get('v')).toThrow(/"v"/);
});
