/**
 * Fused and stock kernels against float64 written from the definition, forward and gradient.
 * Tolerance 1e-5 of the largest magnitude: float32 rounds at 6e-8 and the longest sum here has some hundred terms.
 */
import { fusedBatchNorm, stockBatchNorm, type BatchNorm } from '../../../engine/implementations/batch-norm';
import { fusedMaxPool, stockMaxPool, type MaxPool } from '../../../engine/implementations/max-pool';
import { fusedRelu, stockRelu } from '../../../engine/implementations/relu';
import { conv2d, convolveFolded, dense, globalAveragePool } from '../../../engine/ops/layers';
import { tf } from '../../../engine/tf';
import { hasAvx2 } from '../support/cpu';
import { noise } from '../support/noise';
import {
  batchNormReference,
  convGradientReference,
  convReference,
  deviation,
  maxPoolReference,
  numericGradient,
} from '../support/reference';
import type { Shape4 } from '../support/reference';

const TOLERANCE = 1e-5;

/** Value and gradients by each input, with dy as the weights of the sum that is differentiated. */
function run(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], dy: Float32Array) {
  const y = tf.tidy(() => f(...inputs));
  const { value, grads } = tf.valueAndGrads(f)(inputs, tf.tensor(dy, y.shape));
  return { y: value.dataSync(), grads: grads.map((gradient) => gradient.dataSync()) };
}

beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  expect(tf.memory().numTensors).toBe(0);
});

describe.each([
  ['fused', fusedBatchNorm],
  ['stock', stockBatchNorm],
] as const)('batch norm, %s', (_, batchNorm: BatchNorm) => {
  const shape: Shape4 = [2, 3, 4, 5];
  const [x, scale, offset, dy] = [noise(120, 1).map((v) => 3 * v + 1), noise(5, 2), noise(5, 3), noise(120, 4)];
  const moments: Record<string, Float32Array> = {};
  const movingMean = noise(5, 5);
  const movingVariance = noise(5, 6).map(Math.abs);

  function results() {
    const forward = (input: tf.Tensor, gain: tf.Tensor, shift: tf.Tensor): tf.Tensor => {
      const moving = { movingMean: tf.tensor(movingMean), movingVariance: tf.tensor(movingVariance), momentum: 0.9 };
      return batchNorm({ x: input as tf.Tensor4D, scale: gain, offset: shift, ...moving }, (mean, variance) => {
        moments.mean = mean.dataSync<'float32'>().slice();
        moments.variance = variance.dataSync<'float32'>().slice();
      });
    };
    return run(forward, [tf.tensor(x, [...shape]), tf.tensor(scale), tf.tensor(offset)], dy);
  }

  test('normalises by the batch, and its gradients are the derivatives', () => {
    const { y, grads } = results();
    expect(deviation(y, batchNormReference(x, 5, scale, offset).y)).toBeLessThan(TOLERANCE);
    const byX = numericGradient((at) => batchNormReference(at, 5, scale, offset).y, x, dy);
    const byScale = numericGradient((at) => batchNormReference(x, 5, at, offset).y, scale, dy);
    const byOffset = numericGradient((at) => batchNormReference(x, 5, scale, at).y, offset, dy);
    expect(deviation(grads[0], byX)).toBeLessThan(TOLERANCE);
    expect(deviation(grads[1], byScale)).toBeLessThan(TOLERANCE);
    expect(deviation(grads[2], byOffset)).toBeLessThan(TOLERANCE);
  });

  test('moves the averages by a tenth towards the batch, the variance unbiased', () => {
    results();
    const { mean, unbiasedVariance } = batchNormReference(x, 5, scale, offset);
    expect(
      deviation(
        moments.mean,
        movingMean.map((old, c) => 0.9 * old + 0.1 * mean[c]),
      ),
    ).toBeLessThan(TOLERANCE);
    const expected = movingVariance.map((old, c) => 0.9 * old + 0.1 * unbiasedVariance[c]);
    expect(deviation(moments.variance, expected)).toBeLessThan(TOLERANCE);
    const control = movingVariance.map((old, c) => 0.9 * old + (0.1 * unbiasedVariance[c] * 23) / 24);
    expect(deviation(moments.variance, control)).toBeGreaterThan(100 * TOLERANCE); // the biased variance is another one
  });
});

describe.each([
  ['fused', fusedRelu],
  ['stock', stockRelu],
] as const)('relu, %s', (_, relu) => {
  test('keeps what is positive and passes the gradient there alone; at 0 it is 0', () => {
    const x = Float32Array.of(-2, -0, 0, 1e-30, 3);
    const { y, grads } = run(relu, [tf.tensor(x)], Float32Array.of(5, 6, 7, 8, 9));
    expect([...y].map((v) => v + 0)).toEqual([0, 0, 0, Math.fround(1e-30), 3]);
    expect([...grads[0]].map((v) => v + 0)).toEqual([0, 0, 0, 8, 9]);
  });
});

const pools: (readonly [string, MaxPool])[] = [['stock', stockMaxPool]];
if (hasAvx2) pools.push(['fused', fusedMaxPool]);
const windows = [
  [3, 2],
  [2, 2],
  [3, 1],
] as const;
describe.each(pools)('max pool, %s', (_, maxPool) => {
  test.each(windows)(
    'size %d, stride %d: the maximum, and its gradient goes to where the maximum was',
    (size, stride) => {
      const shape: Shape4 = [2, 5, 6, 3];
      const x = noise(180, 7);
      const reference = (at: ArrayLike<number>): Float64Array => maxPoolReference(at, shape, size, stride);
      const dy = noise(reference(x).length, 8);
      const pool = (input: tf.Tensor): tf.Tensor => maxPool(input as tf.Tensor4D, size, stride);
      const { y, grads } = run(pool, [tf.tensor(x, [...shape])], dy);
      expect([...y]).toEqual([...reference(x)]);
      expect(deviation(grads[0], numericGradient(reference, x, dy))).toBeLessThan(TOLERANCE);
    },
  );

  test('among equal maxima the first of the window gets the gradient', () => {
    const { grads } = run((x) => maxPool(x as tf.Tensor4D, 2, 2), [tf.ones([1, 2, 2, 1])], Float32Array.of(3));
    expect([...grads[0]]).toEqual([3, 0, 0, 0]);
  });
});

test.each([
  [3, 1],
  [3, 2],
  [1, 1],
  [5, 2],
])('convolution %d × %d SAME and its gradients', (size, stride) => {
  const shape: Shape4 = [2, 6, 5, 3];
  const [x, filter] = [noise(180, 9), noise(size * size * 3 * 4, 10)];
  const reference = (at: ArrayLike<number>, by: ArrayLike<number>): Float64Array =>
    convReference(at, shape, by, size, stride, 4);
  const dy = noise(reference(x, filter).length, 11);
  const inputs = [tf.tensor(x, [...shape]), tf.tensor(filter, [size, size, 3, 4])];
  const { y, grads } = run((input, weights) => conv2d(input, weights, stride), inputs, dy);
  expect(deviation(y, reference(x, filter))).toBeLessThan(TOLERANCE);
  expect(
    deviation(
      grads[0],
      numericGradient((at) => reference(at, filter), x, dy),
    ),
  ).toBeLessThan(TOLERANCE);
  expect(
    deviation(
      grads[1],
      numericGradient((by) => reference(x, by), filter, dy),
    ),
  ).toBeLessThan(TOLERANCE);
});

// Large enough for Winograd's algorithm, which rounds more.
test.each([3, 5])('convolution of many channels by filters of %d, its gradients, and folded with its bias', (size) => {
  const shape: Shape4 = [2, 16, 15, 32];
  const [x, filter, bias] = [noise(2 * 16 * 15 * 32, 18), noise(size * size * 32 * 48, 19), noise(48, 20)];
  const dy = noise(2 * 16 * 15 * 48, 21);
  const inputs = [tf.tensor(x, [...shape]), tf.tensor(filter, [size, size, 32, 48])];
  const expected = convReference(x, shape, filter, size, 1, 48);
  const gradients = convGradientReference(x, shape, filter, size, 1, 48, dy);
  const { y, grads } = run((input, weights) => conv2d(input, weights, 1), inputs, dy);
  expect(deviation(y, expected)).toBeLessThan(2 * TOLERANCE);
  expect(deviation(grads[0], gradients.dx)).toBeLessThan(2 * TOLERANCE);
  expect(deviation(grads[1], gradients.dfilter)).toBeLessThan(2 * TOLERANCE);
  const folded = convolveFolded(inputs[0], inputs[1], tf.tensor(bias), 1).dataSync();
  const rectified = expected.map((value, i) => Math.max(0, value + bias[i % 48]));
  expect(deviation(folded, rectified)).toBeLessThan(2 * TOLERANCE);
});

test('global average pooling and its gradient', () => {
  const x = noise(2 * 3 * 4 * 5, 12);
  const reference = (at: ArrayLike<number>): Float64Array => {
    const y = new Float64Array(10);
    for (let i = 0; i < at.length; i++) y[Math.floor(i / 60) * 5 + (i % 5)] += at[i] / 12;
    return y;
  };
  const dy = noise(10, 13);
  const { y, grads } = run(globalAveragePool, [tf.tensor(x, [2, 3, 4, 5])], dy);
  expect(deviation(y, reference(x))).toBeLessThan(TOLERANCE);
  expect(deviation(grads[0], numericGradient(reference, x, dy))).toBeLessThan(TOLERANCE);
});

test('dense layer and its gradients', () => {
  const [x, w, b, dy] = [noise(12, 14), noise(8, 15), noise(2, 16), noise(6, 17)];
  const reference = (at: ArrayLike<number>, by: ArrayLike<number>, plus: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: 6 }, (_, i) => {
      const [row, column] = [Math.floor(i / 2), i % 2];
      return [0, 1, 2, 3].reduce((sum, k) => sum + at[row * 4 + k] * by[k * 2 + column], plus[column]);
    });
  const inputs = [tf.tensor(x, [3, 4]), tf.tensor(w, [4, 2]), tf.tensor(b)];
  const { y, grads } = run(dense, inputs, dy);
  expect(deviation(y, reference(x, w, b))).toBeLessThan(TOLERANCE);
  expect(
    deviation(
      grads[0],
      numericGradient((at) => reference(at, w, b), x, dy),
    ),
  ).toBeLessThan(TOLERANCE);
  expect(
    deviation(
      grads[1],
      numericGradient((by) => reference(x, by, b), w, dy),
    ),
  ).toBeLessThan(TOLERANCE);
  expect(
    deviation(
      grads[2],
      numericGradient((plus) => reference(x, w, plus), b, dy),
    ),
  ).toBeLessThan(TOLERANCE);
});
