/** Max pooling as ops of our own: bit for bit what the definition says, in float32 and in bfloat16. */
import { TF_BFLOAT16 } from '../../../engine/compile/bf16';
import { Program } from '../../../engine/compile/program';
import { fusedMaxPool } from '../../../engine/implementations/max-pool';
import { attribute, binding, runOp, type Attribute } from '../../../engine/native';
import type { Step } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { cast, runNarrow } from '../support/bfloat16';
import { hasAvx2 } from '../support/cpu';
import { noise } from '../support/noise';
import { maxPoolGradientReference, maxPoolReference, type Shape4 } from '../support/reference';

const sizeOf = (shape: Shape4): number => shape.reduce((product, length) => product * length, 1);

function results(x: Float32Array, shape: Shape4, size: number, stride: number) {
  const pool = (input: tf.Tensor): tf.Tensor => fusedMaxPool(input as tf.Tensor4D, size, stride);
  const input = tf.tensor4d(x, [...shape]);
  const { shape: pooled, size: count } = pool(input);
  const dy = noise(count, 2);
  const { value, grad } = tf.valueAndGrad(pool)(input, tf.tensor(dy, pooled));
  return { y: value.dataSync<'float32'>(), dx: grad.dataSync<'float32'>(), dy };
}

(hasAvx2 ? describe : describe.skip)('max pooling', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => {
    tf.engine().endScope();
    expect(tf.memory().numTensors).toBe(0);
  });

  // Channels below, at and above the lanes of a vector (8, 16) and of four; sides that windows fill, and that they do not.
  describe.each([
    [3, 2],
    [2, 2],
    [3, 1],
    [1, 1],
    [5, 3],
    [15, 15],
    [15, 1],
  ])('windows of %d, %d apart', (size, stride) => {
    test.each<Shape4>([
      [2, 7, 6, 1],
      [1, 8, 8, 5],
      [3, 5, 9, 16],
      [1, 16, 17, 70],
      [2, 1, 4, 97],
    ])('%d images of %d × %d pixels, %d channels: values and gradients', (...shape) => {
      const x = noise(sizeOf(shape), 1);
      const { y, dx, dy } = results(x, shape, size, stride);
      expect([...y]).toEqual([...maxPoolReference(x, shape, size, stride)]);
      expect([...dx]).toEqual([...maxPoolGradientReference(x, shape, size, stride, dy)]);
    });
  });

  test('among equal maxima the first takes the gradient', () => {
    const shape: Shape4 = [2, 9, 10, 20];
    const x = noise(sizeOf(shape), 3).map((value) => Math.max(0, Math.round(2 * value)));
    const { dx, dy } = results(x, shape, 3, 1);
    expect([...dx]).toEqual([...maxPoolGradientReference(x, shape, 3, 1, dy)]);
  });

  test('what is no number is the maximum of its windows wherever it stands in them, in its channel alone', () => {
    const shape: Shape4 = [1, 6, 6, 20];
    const x = noise(sizeOf(shape), 4);
    const at = (row: number, column: number, channel: number): number => (row * 6 + column) * 20 + channel;
    x[at(2, 3, 7)] = NaN;
    const { y, dx, dy } = results(x, shape, 3, 1);
    const isNear = (i: number): boolean =>
      i % 20 === 7 && Math.abs(Math.floor(i / 120) - 2) <= 1 && Math.abs((Math.floor(i / 20) % 6) - 3) <= 1;
    expect([...y].map((value, i) => Number.isNaN(value) === isNear(i)).every(Boolean)).toBe(true);
    const taken = dy.filter((_, i) => isNear(i)).reduce((sum, value) => Math.fround(sum + value), 0);
    expect(dx[at(2, 3, 7)]).toBe(taken);
  });

  test.each([
    [3, 1],
    [3, 2],
    [2, 1],
    [3, 3],
  ])('a program that has no use for places finds the same maxima of windows of %d, %d apart', (size, stride) => {
    const shape: [number, number, number, number] = [2, 7, 9, 81];
    const numbers = noise(sizeOf(shape), 7);
    numbers[100] = NaN;
    const x = tf.tensor4d(numbers, shape);
    const variables = VariableSet.create([], () => numbers);
    const step: Step = (_, { images }) => ({ y: fusedMaxPool(images as tf.Tensor4D, size, stride) });
    const program = Program.compile(variables, { pool: { step, example: { images: x } } });
    const [y, expected] = [program.run('pool', { images: x }).y, fusedMaxPool(x, size, stride)].map((tensor) => [
      ...tensor.dataSync<'float32'>(),
    ]);
    expect(y).toEqual(expected);
    expect(y.filter(Number.isNaN)).not.toEqual([]);
    program.dispose();
    variables.dispose();
  });

  test('bfloat16 is float32 of the same numbers, rounded to the nearest once', () => {
    const { TF_FLOAT, TF_UINT8 } = binding();
    const narrow = (x: tf.Tensor): tf.Tensor => cast(x, TF_FLOAT, TF_BFLOAT16);
    const wide = (x: tf.Tensor): tf.Tensor => cast(x, TF_BFLOAT16, TF_FLOAT);
    const rounded = (x: tf.Tensor): tf.Tensor => wide(narrow(x));
    const shape: [number, number, number, number] = [2, 9, 8, 41];
    const [x, dy] = [5, 6].map((seed) => rounded(tf.tensor4d(noise(sizeOf(shape), seed), shape)));

    const run = (T: number, stored: (x: tf.Tensor) => tf.Tensor, read: (x: tf.Tensor) => tf.Tensor): number[][] => {
      const windows = [attribute.type('T', T), attribute.int('size', 3), attribute.int('stride', 1)];
      const [y, places] = runNarrow('LodestoneMaxPool', windows, [stored(x)], 2);
      const image = [attribute.int('height', 9), attribute.int('width', 8)];
      const [dx] = runNarrow('LodestoneMaxPoolGrad', [...windows, ...image], [stored(dy), places], 1);
      const placed = cast(places, TF_UINT8, TF_FLOAT);
      return [read(y), placed, read(dx)].map((tensor) => [...tensor.dataSync()]);
    };
    expect(run(TF_BFLOAT16, narrow, wide)).toEqual(run(TF_FLOAT, (tensor) => tensor, rounded));
  });

  test('what does not fit is refused', () => {
    const windows = (size: number, stride: number): Attribute[] => [
      attribute.float32('T'),
      attribute.int('size', size),
      attribute.int('stride', stride),
    ];
    const pool = (shape: number[], size = 2, stride = 2): tf.Tensor[] =>
      runOp('LodestoneMaxPool', windows(size, stride), [tf.zeros(shape)], 2);
    expect(() => pool([2, 4, 4])).toThrow('x must be images, got [2,4,4]');
    expect(() => pool([0, 4, 4, 1])).toThrow('x must be images, got [0,4,4,1]');
    for (const [size, stride] of [
      [16, 1],
      [2, 3],
    ])
      expect(() => pool([1, 4, 4, 1], size, stride)).toThrow('size must be at most 15, stride at most size');

    const [y, places] = pool([1, 5, 4, 1]);
    const gradient = (height: number): tf.Tensor[] => {
      const image = [attribute.int('height', height), attribute.int('width', 4)];
      return runOp('LodestoneMaxPoolGrad', [...windows(2, 2), ...image], [y, places], 1);
    };
    expect(gradient(6)[0].shape).toEqual([1, 6, 4, 1]);
    expect(() => gradient(7)).toThrow('dy and places must be of the windows of 7 × 4 pixels, got [1,3,2,1]');
  });
});
