/**
 * Convolutions by Winograd's algorithm against float64 written from the definition. Tolerance 2e-5 of the largest magnitude:
 * the transforms of F(4 × 4, 3 × 3) and F(2 × 2, 5 × 5) multiply by up to 16 and subtract what they multiplied, which costs
 * float32 (6e-8) two digits.
 */
import { TF_BFLOAT16 } from '../../../engine/compile/bf16';
import { suitsWinograd, winograd, winogradFolded } from '../../../engine/implementations/winograd';
import { attribute, binding, runOp } from '../../../engine/native';
import { tf } from '../../../engine/tf';
import { cast, runNarrow } from '../support/bfloat16';
import { hasAvx2 } from '../support/cpu';
import { noise } from '../support/noise';
import { convGradientReference, convReference, deviation, type Shape4 } from '../support/reference';

const TOLERANCE = 2e-5;
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Images, a filter for `outputs` channels, and a gradient of what comes out. */
function given([images, height, width, inputs]: Shape4, outputs: number, size = 3) {
  const tensor = (shape: Shape4, seed: number): tf.Tensor4D => tf.tensor4d(noise(sizeOf(shape), seed), [...shape]);
  return {
    x: tensor([images, height, width, inputs], 1),
    filter: tensor([size, size, inputs, outputs], 2),
    dy: tensor([images, height, width, outputs], 3),
  };
}

const data = (tensor: tf.Tensor): Float32Array => tensor.dataSync<'float32'>();

(hasAvx2 ? describe : describe.skip)("Winograd's convolutions", () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => {
    tf.engine().endScope();
    expect(tf.memory().numTensors).toBe(0);
  });

  describe.each([3, 5])('filters of %i', (size) => {
    // One pixel; one tile; tiles that reach over the border; more channels, in and out, than are worked on at a time; more tiles.
    test.each<[Shape4, number]>([
      [[1, 1, 1, 16], 16],
      [[1, 4, 4, 16], 32],
      [[2, 5, 7, 32], 48],
      [[3, 9, 6, 16], 112],
      [[1, 6, 5, 208], 224],
      [[5, 17, 16, 48], 80],
    ])('of images %j to %d channels: values and both gradients', (shape, outputs) => {
      const { x, filter, dy } = given(shape, outputs, size);
      const convolve = (images: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
        winograd(images as tf.Tensor4D, weights as tf.Tensor4D);
      const { value, grads } = tf.valueAndGrads(convolve)([x, filter], dy);
      const expected = convGradientReference(data(x), shape, data(filter), size, 1, outputs, data(dy));
      expect(deviation(data(value), convReference(data(x), shape, data(filter), size, 1, outputs))).toBeLessThan(
        TOLERANCE,
      );
      expect(deviation(data(grads[0]), expected.dx)).toBeLessThan(TOLERANCE);
      expect(deviation(data(grads[1]), expected.dfilter)).toBeLessThan(TOLERANCE);
    });
  });

  test('folded: the same convolution, its bias and the rectifier', () => {
    const { x, filter } = given([2, 7, 8, 16], 48);
    const bias = noise(48, 4).map((value) => 3 * value);
    const expected = data(winograd(x, filter)).map((value, i) => Math.max(0, Math.fround(value + bias[i % 48])));
    const folded = data(winogradFolded(x, filter, tf.tensor1d(bias)));
    expect(folded.some((value) => value === 0) && folded.some((value) => value > 0)).toBe(true);
    expect([...folded].map((value) => value + 0)).toEqual([...expected].map((value) => value + 0));
  });

  test.each([3, 5])(
    'bfloat16 is float32 of the same numbers, rounded once; filter of %i and its gradient are float32',
    (size) => {
      const { TF_FLOAT } = binding();
      const narrow = (tensor: tf.Tensor): tf.Tensor => cast(tensor, TF_FLOAT, TF_BFLOAT16);
      const wide = (tensor: tf.Tensor): tf.Tensor => cast(tensor, TF_BFLOAT16, TF_FLOAT);
      const rounded = (tensor: tf.Tensor): tf.Tensor => wide(narrow(tensor));
      const { x, filter, dy } = given([2, 6, 9, 32], 16, size);
      const [images, gradients] = [rounded(x), rounded(dy)];

      const run = (T: number, stored: (x: tf.Tensor) => tf.Tensor, read: (x: tf.Tensor) => tf.Tensor): number[][] => {
        const [type, biases] = [attribute.type('T', T), attribute.int('biases', 0)];
        const convolve = (turned: boolean, input: tf.Tensor): tf.Tensor =>
          runNarrow(
            'LodestoneConvolve',
            [type, attribute.bool('turned', turned), biases],
            [stored(input), filter],
            1,
          )[0];
        const inputs = [stored(images), stored(gradients)];
        const [dfilter] = runNarrow('LodestoneConvolveFilterGrad', [type, attribute.int('size', size)], inputs, 1);
        return [read(convolve(false, images)), read(convolve(true, gradients)), dfilter].map((tensor) => [
          ...data(tensor),
        ]);
      };
      expect(run(TF_BFLOAT16, narrow, wide)).toEqual(run(TF_FLOAT, (tensor) => tensor, rounded));
    },
  );

  test('what is no number makes everything that it reaches no number, and nothing of another image', () => {
    const shape: Shape4 = [3, 8, 8, 16];
    const { x, filter } = given(shape, 16);
    const pixels = data(x).slice();
    pixels[((1 * 8 + 3) * 8 + 4) * 16 + 7] = NaN;
    const y = data(winograd(tf.tensor4d(pixels, [...shape]), filter));
    const isLost = (image: number, row: number, column: number): boolean =>
      y.slice(((image * 8 + row) * 8 + column) * 16, ((image * 8 + row) * 8 + column + 1) * 16).every(Number.isNaN);
    for (const row of [2, 3, 4]) for (const column of [3, 4, 5]) expect(isLost(1, row, column)).toBe(true);
    expect([...y.slice(0, y.length / 3), ...y.slice((2 * y.length) / 3)].some(Number.isNaN)).toBe(false);
  });

  test('what does not fit is refused', () => {
    const convolve = (x: number[], filter: number[], turned = false, biases: number[] = []): tf.Tensor[] => {
      const given = [attribute.float32('T'), attribute.bool('turned', turned), attribute.int('biases', biases.length)];
      return runOp(
        'LodestoneConvolve',
        given,
        [x, filter, ...biases.map((length) => [length])].map((shape) => tf.zeros(shape)),
        1,
      );
    };
    const message = 'x must be images and filter of 3 × 3 or 5 × 5 for their channels, multiples of 16; got ';
    expect(() => convolve([1, 4, 4, 8], [3, 3, 8, 16])).toThrow(`${message}[1,4,4,8] and [3,3,8,16]`);
    expect(() => convolve([1, 4, 4, 16], [3, 3, 32, 16])).toThrow(`${message}[1,4,4,16] and [3,3,32,16]`);
    expect(() => convolve([1, 4, 4, 16], [3, 5, 16, 16])).toThrow(message);
    expect(() => convolve([1, 4, 4, 16], [7, 7, 16, 16])).toThrow(message);
    expect(() => convolve([4, 4, 16], [3, 3, 16, 16])).toThrow(message);
    expect(convolve([1, 4, 4, 16], [3, 3, 32, 16], true)[0].shape).toEqual([1, 4, 4, 32]);
    expect(() => convolve([1, 4, 4, 16], [3, 3, 16, 32], false, [32, 32])).toThrow('biases must be 0 or 1');
    expect(() => convolve([1, 4, 4, 16], [3, 3, 16, 32], false, [16])).toThrow(
      'bias must have a number for each output channel',
    );
    const gradient = (x: number[], dy: number[], size = 3): tf.Tensor[] =>
      runOp(
        'LodestoneConvolveFilterGrad',
        [attribute.float32('T'), attribute.int('size', size)],
        [tf.zeros(x), tf.zeros(dy)],
        1,
      );
    expect(gradient([1, 4, 4, 16], [1, 4, 4, 32])[0].shape).toEqual([3, 3, 16, 32]);
    expect(() => gradient([1, 4, 4, 16], [1, 4, 4, 32], 4)).toThrow('size must be 3 or 5');
    expect(() => gradient([1, 4, 4, 16], [1, 4, 5, 16])).toThrow('x and dy must be images of one size');
  });
});

test.each<[string, Shape4, Shape4, number, boolean]>([
  ['many tiles of many channels', [8, 28, 28, 96], [3, 3, 96, 128], 1, true],
  ['tiles that reach a little over the border', [8, 7, 7, 160], [3, 3, 160, 320], 1, true],
  ['tiles of which most lies outside', [48, 2, 2, 160], [3, 3, 160, 320], 1, false],
  ['few tiles', [4, 8, 8, 64], [3, 3, 64, 64], 1, false],
  ['another stride', [8, 28, 28, 96], [3, 3, 96, 128], 2, false],
  ['another size', [8, 28, 28, 96], [7, 7, 96, 128], 1, false],
  ['5 × 5, whose tiles are smaller', [48, 2, 2, 32], [5, 5, 32, 128], 1, true],
  ['few inputs', [8, 28, 28, 16], [5, 5, 16, 32], 1, false],
  ['channels in other numbers', [8, 28, 28, 24], [3, 3, 24, 64], 1, false],
])('%s', (_, x, filter, stride, suits) => {
  tf.tidy(() => expect(suitsWinograd(tf.zeros([...x]), tf.zeros([...filter]), stride)).toBe(suits));
});
