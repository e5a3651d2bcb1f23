/**
 * Batch norm with the rectifier, in parts, as one op of our own: against float64 written from the definition, and what must
 * hold bit for bit. The tolerance is that of test/engine/implementations/layers.test.ts.
 */
import { fusedNormRelu } from '../../../engine/implementations/norm-relu';
import { TF_BFLOAT16 } from '../../../engine/compile/bf16';
import { attribute, binding, runOp } from '../../../engine/native';
import { tf } from '../../../engine/tf';
import { cast, runNarrow } from '../support/bfloat16';
import { hasAvx2 } from '../support/cpu';
import { noise } from '../support/noise';
import { batchNormReference, deviation } from '../support/reference';

const TOLERANCE = 1e-5;

interface Given {
  readonly x: Float32Array;
  readonly widths: readonly number[];
  readonly scale?: Float32Array;
  readonly offset?: Float32Array;
}

const channelsOf = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width);

/** y of all parts side by side, the gradients by dy = noise, and the new averages from old ones of 0 and 1. */
function results({ x, widths, scale, offset }: Given) {
  const channels = channelsOf(widths);
  const vectors = [scale ?? noise(channels, 2), offset ?? noise(channels, 3)].map((numbers) => tf.tensor1d(numbers));
  const moved: Float32Array[] = [];
  const forward = (input: tf.Tensor, gain: tf.Tensor, shift: tf.Tensor): tf.Tensor => {
    const moving = { movingMean: tf.zeros([channels]), movingVariance: tf.ones([channels]), momentum: 0.75 };
    const given = { x: input as tf.Tensor4D, scale: gain, offset: shift, ...moving };
    const parts = fusedNormRelu(given, widths, (...averages) => {
      moved.push(...averages.map((average) => average.dataSync<'float32'>().slice()));
    });
    expect(parts.map(({ shape }) => shape)).toEqual(widths.map((width) => [1, x.length / channels, 1, width]));
    return tf.concat(parts, 3);
  };
  const input = tf.tensor4d(x, [1, x.length / channels, 1, channels]);
  const { value, grads } = tf.valueAndGrads(forward)([input, ...vectors], tf.tensor(noise(x.length, 4), input.shape));
  const [dx, dscale, doffset] = grads.map((gradient) => gradient.dataSync<'float32'>().slice());
  return { y: value.dataSync<'float32'>().slice(), dx, dscale, doffset, mean: moved[0], variance: moved[1] };
}

/** The same in float64. */
function expected({ x, widths, scale = noise(channelsOf(widths), 2), offset = noise(channelsOf(widths), 3) }: Given) {
  const channels = channelsOf(widths);
  const rows = x.length / channels;
  const { y, mean, unbiasedVariance } = batchNormReference(x, channels, scale, offset);
  const dy = noise(x.length, 4).map((value, i) => (y[i] > 0 ? value : 0));
  const inverse = unbiasedVariance.map((variance) => 1 / Math.sqrt((variance * (rows - 1)) / rows + 1e-3));
  const normed = Float64Array.from(x, (value, i) => (value - mean[i % channels]) * inverse[i % channels]);
  const [dscale, doffset] = [new Float64Array(channels), new Float64Array(channels)];
  dy.forEach((value, i) => {
    dscale[i % channels] += value * normed[i];
    doffset[i % channels] += value;
  });
  const dx = normed.map((value, i) => {
    const c = i % channels;
    return scale[c] * inverse[c] * (dy[i] - doffset[c] / rows - (value * dscale[c]) / rows);
  });
  const [newMean, newVariance] = [mean.map((m) => 0.25 * m), unbiasedVariance.map((v) => 0.75 + 0.25 * v)];
  return { y: y.map((value) => Math.max(value, 0)), dx, dscale, doffset, mean: newMean, variance: newVariance };
}

(hasAvx2 ? describe : describe.skip)('batch norm with the rectifier', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => {
    tf.engine().endScope();
    expect(tf.memory().numTensors).toBe(0);
  });

  // Below, at and above the lanes of a vector (8, 16) and of four; rows below, at and above those of a block (64, 1024).
  test.each([
    [[1], 9],
    [[5], 7],
    [[16], 64],
    [[64], 65],
    [[64, 96, 16], 130],
    [[24, 3, 70, 17], 200],
    [[160, 112, 24], 1568],
    [[2], 70_000],
  ])('parts of %j channels, %d pixels: values, gradients and moving averages', (widths, rows) => {
    const given = { x: noise(channelsOf(widths) * rows, 1).map((value) => 3 * value + 1), widths };
    const [actual, reference] = [results(given), expected(given)];
    for (const name of ['y', 'dx', 'dscale', 'doffset', 'mean', 'variance'] as const) {
      expect({ name, off: deviation(actual[name], reference[name]) < TOLERANCE }).toEqual({ name, off: true });
    }
  });

  test('the cut into parts changes no bit', () => {
    const x = noise(97 * 300, 5);
    expect(results({ x, widths: [40, 20, 37] })).toEqual(results({ x, widths: [97] }));
  });

  test('a mean of a thousand deviations costs no digits of the variance', () => {
    const x = noise(3 * 5000, 6).map((value, i) => (i % 3 === 0 ? value : 1000 + value));
    const given = { x, widths: [3] };
    expect(deviation(results(given).variance, expected(given).variance)).toBeLessThan(1e-6);
    expect(deviation(results(given).y, expected(given).y)).toBeLessThan(TOLERANCE);
  });

  test('nor does a first pixel a hundred deviations off', () => {
    const x = noise(2 * 20_000, 11).map((value, i) => (i < 2 ? 60 : value));
    const given = { x, widths: [2] };
    expect(deviation(results(given).variance, expected(given).variance)).toBeLessThan(1e-6);
  });

  test('a channel that is constant becomes its offset, and no gradient reaches it', () => {
    const [x, scale] = [new Float32Array(2 * 100).fill(3.25), Float32Array.of(5, 5)];
    const { y, dx } = results({ x, widths: [2], scale, offset: Float32Array.of(0.5, -0.5) });
    expect(new Set(y)).toEqual(new Set([0.5, 0]));
    expect(dx.filter((_, i) => i % 2 === 1).every((value) => value === 0)).toBe(true);
  });

  test('at 0 the gradient is 0, as of the rectifier alone', () => {
    const { y, doffset } = results({
      x: noise(20 * 50, 7),
      widths: [20],
      scale: new Float32Array(20),
      offset: new Float32Array(20),
    });
    expect(y.every((value) => value === 0)).toBe(true);
    expect([...doffset]).toEqual([...new Float32Array(20)]);
  });

  test('what is no number is passed on, in its channel alone', () => {
    const x = noise(20 * 50, 8);
    x[20 * 13 + 4] = NaN;
    const { y, dx } = results({ x, widths: [20] });
    for (const values of [y, dx]) {
      expect([...values].map((value, i) => Number.isNaN(value) === (i % 20 === 4)).every(Boolean)).toBe(true);
    }
  });

  test('bfloat16 is float32 of the same numbers, rounded to the nearest once', () => {
    const [rows, channels] = [333, 41];
    const { TF_FLOAT } = binding();
    const narrow = (x: tf.Tensor): tf.Tensor => cast(x, TF_FLOAT, TF_BFLOAT16);
    const wide = (x: tf.Tensor): tf.Tensor => cast(x, TF_BFLOAT16, TF_FLOAT);
    const [x, dy] = [9, 10].map((seed) =>
      wide(narrow(tf.tensor(noise(rows * channels, seed), [1, rows, 1, channels]))),
    );
    const vectors = [2, 3, 4, 5].map((seed) => tf.tensor1d(noise(channels, seed).map(Math.abs)));
    const parts = [attribute.int('parts', 1), attribute.int('widths', [channels])];
    const rates = [attribute.float('epsilon', 1e-3), attribute.float('momentum', 0.9)];

    /** As numbers: what is rounded (y and dx), and what is float32 either way. */
    const run = (T: number, stored: (x: tf.Tensor) => tf.Tensor, read: (x: tf.Tensor) => tf.Tensor): number[][][] => {
      const type = attribute.type('T', T);
      const [y, ...moments] = runNarrow('LodestoneNormRelu', [type, ...parts, ...rates], [stored(x), ...vectors], 5);
      const inputs = [stored(x), stored(dy), vectors[0], vectors[1], moments[2], moments[3]];
      const [dx, ...gradients] = runNarrow('LodestoneNormReluGrad', [type, ...parts], inputs, 3);
      const groups = [[y, dx].map(read), [...moments, ...gradients]];
      return groups.map((group) => group.map((tensor) => [...tensor.dataSync()]));
    };
    const float32 = run(
      TF_FLOAT,
      (tensor) => tensor,
      (tensor) => wide(narrow(tensor)),
    );
    expect(run(TF_BFLOAT16, narrow, wide)).toEqual(float32);
  });

  test('an input that does not fit is refused', () => {
    const vectors = [1, 2, 3, 4].map(() => tf.zeros([4]));
    const run = (shape: number[], widths: number[], parts = widths.length): tf.Tensor[] => {
      const given = [attribute.float32('T'), attribute.int('parts', parts), attribute.int('widths', widths)];
      const attributes = [...given, attribute.float('epsilon', 1e-3), attribute.float('momentum', 0.9)];
      return runOp('LodestoneNormRelu', attributes, [tf.zeros(shape), ...vectors], parts + 4);
    };
    expect(run([2, 4], [4])).toHaveLength(5);
    expect(() => run([2, 5], [4])).toThrow('x must have pixels of 4 channels, got [2,5]');
    expect(() => run([0, 4], [4])).toThrow('x must have pixels of 4 channels, got [0,4]');
    expect(() => run([2, 5], [5])).toThrow('got a vector of another length');
    expect(() => run([2, 4], [4], 2)).toThrow('parts must be the number of widths');
  });
});
