import { boxOfCrop, cropResize, insideImage } from '../../engine/augment';
import { attribute, binding, runOneOutput, uploadBytes } from '../../engine/native';
import { tf } from '../../engine/tf';
import { noise } from './support/noise';
import { deviation } from './support/reference';

const asIs = { mean: [0, 0, 0], deviation: [1, 1, 1] };
const bytes = (count: number, seed: number): Uint8Array => Uint8Array.from(noise(count, seed), (v) => 127.5 * (1 + v));

function cropped(...args: Parameters<typeof cropResize>): Float32Array {
  const result = cropResize(...args);
  const values = result.dataSync<'float32'>().slice();
  result.dispose();
  return values;
}

afterEach(() => expect(tf.memory().numTensors).toBe(0));

test('the whole image at its own size is the image, scaled to [0, 1], bit for bit', () => {
  const pixels = bytes(2 * 9 * 9 * 3, 1);
  pixels.set([0, 255], 0);
  const result = cropped(pixels, [2, 9, 9, 3], Float32Array.of(0, 0, 1, 1, 0, 0, 1, 1), 9, asIs);
  const factor = Math.fround(1 / 255);
  expect([...result]).toEqual([...pixels].map((value) => Math.fround(value * factor)));
  expect(result[1]).toBe(1);
});

test('channels are normalised by their own mean and deviation', () => {
  const pixels = bytes(16 * 3, 2);
  const normalise = { mean: [0.1, 0.5, 0.9], deviation: [0.2, 0.25, 2] };
  const result = cropped(pixels, [1, 4, 4, 3], Float32Array.of(0, 0, 1, 1), 4, normalise);
  const expected = [...pixels].map((v, i) => (v / 255 - normalise.mean[i % 3]) / normalise.deviation[i % 3]);
  expect(deviation(result, expected)).toBeLessThan(1e-6);
});

/** Bilinear samples at the centres of S² equal cells of the crop, in float64; pixel k covers [k, k + 1). */
function cropReference(pixels: Uint8Array, side: number, crop: { top: number; left: number; size: number }, S: number) {
  const at = (y: number, x: number): number => pixels[y * side + x] / 255;
  return Float64Array.from({ length: S * S }, (_, i) => {
    const [y, x] = [Math.floor(i / S), i % S].map((cell, axis) => {
      const centre = (axis === 0 ? crop.top : crop.left) + ((cell + 0.5) * crop.size) / S - 0.5;
      return Math.min(side - 1, Math.max(0, centre));
    });
    const [y0, x0] = [Math.min(side - 2, Math.floor(y)), Math.min(side - 2, Math.floor(x))];
    const [dy, dx] = [y - y0, x - x0];
    const top = at(y0, x0) * (1 - dx) + at(y0, x0 + 1) * dx;
    return top * (1 - dy) + (at(y0 + 1, x0) * (1 - dx) + at(y0 + 1, x0 + 1) * dx) * dy;
  });
}

test('a crop in pixel edges samples the centres of equal cells', () => {
  const [side, S] = [21, 16];
  const pixels = bytes(side * side, 3);
  const crops = [
    { top: 0, left: 5, size: 16 }, // no rescaling: whole pixels
    { top: 2.25, left: 0.5, size: 18.5 },
    { top: 0, left: 0, size: 21 }, // the whole image, made smaller
    { top: 5, left: 4, size: 16 }, // to the last pixel
  ];
  for (const crop of crops) {
    const box = Float32Array.from(boxOfCrop(crop, side, S));
    const result = cropped(pixels, [1, side, side, 1], box, S, { mean: [0], deviation: [1] });
    // the margin moves a box that ends at the last pixel by up to 1e-3 of a pixel
    expect(deviation(result, cropReference(pixels, side, crop, S))).toBeLessThan(1e-3);
  }
  const whole = Float32Array.from(boxOfCrop(crops[0], side, S));
  const control = { ...crops[0], left: 5.5 };
  const result = cropped(pixels, [1, side, side, 1], whole, S, { mean: [0], deviation: [1] });
  expect(deviation(result, cropReference(pixels, side, control, S))).toBeGreaterThan(0.1);
});

/** Boxes that end at the last pixel, at starts and sizes where float32 positions may round beyond its centre. */
function borderBoxes(side: number, S: number, count: number): Float32Array {
  const random = noise(count, 5);
  return Float32Array.from(random).reduce(
    (boxes, value, i) => {
      const size = S + ((value + 1) / 2) * (side - S);
      boxes.set(boxOfCrop({ top: side - size, left: side - size, size }, side, S), 4 * i);
      boxes[4 * i + 2] = 1;
      boxes[4 * i + 3] = 1;
      return boxes;
    },
    new Float32Array(4 * count),
  );
}

test('no crop of a white image has a black border; control: without the margin some have', () => {
  const [side, S, count] = [37, 28, 400];
  const white = new Uint8Array(count * side * side).fill(255);
  const boxes = borderBoxes(side, S, count);
  const result = cropped(white, [count, side, side, 1], boxes, S, { mean: [0], deviation: [1] });
  expect(result.every((value) => value > 0.999)).toBe(true);

  const unguarded = tf.tidy(() => {
    const attributes = [
      attribute.type('T', binding().TF_UINT8),
      attribute.string('method', 'bilinear'),
      attribute.float('extrapolation_value', 0),
    ];
    const inputs = [
      uploadBytes(white, [count, side, side, 1]),
      tf.tensor2d(boxes, [count, 4]),
      tf.range(0, count, 1, 'int32'),
      tf.tensor1d([S, S], 'int32'),
    ];
    return runOneOutput('CropAndResize', attributes, inputs).dataSync();
  });
  expect(unguarded.some((value) => value === 0)).toBe(true);
});

test('the margin leaves boxes alone that end before the last pixel, and the whole image at its own size', () => {
  const boxes = Float32Array.of(0, 0.1, 0.5, 0.999, 0, 0, 1, 1);
  expect(insideImage(boxes, 20, 20)).toEqual(boxes);
  const shrunk = insideImage(boxes, 20, 10);
  expect(shrunk.slice(0, 4)).toEqual(boxes.slice(0, 4));
  expect(shrunk[6]).toBeLessThan(1);
  expect(boxes[6]).toBe(1);
});

test('a batch buffer may be reused as soon as cropResize returned', () => {
  const pixels = bytes(16, 6);
  const before = [...pixels];
  const boxes = Float32Array.of(0, 0, 1, 1);
  const result = cropResize(pixels, [1, 4, 4, 1], boxes, 4, { mean: [0], deviation: [1 / 255] });
  pixels.fill(0);
  boxes.fill(0);
  expect([...result.dataSync()].map((v) => Math.round(v))).toEqual(before);
  result.dispose();
});

test('what does not fit is refused with its numbers', () => {
  const box = Float32Array.of(0, 0, 1, 1);
  const one = { mean: [0], deviation: [1] };
  expect(() => cropResize(bytes(15, 1), [1, 4, 4, 1], box, 4, one)).toThrow(/pixels: got 15 bytes/);
  expect(() => cropResize(bytes(16, 1), [1, 4, 4, 1], Float32Array.of(0, 0, 1.1, 1), 4, one)).toThrow(/in \[0, 1\]/);
  expect(() => cropResize(bytes(16, 1), [1, 4, 4, 1], Float32Array.of(0, 0, NaN, 1), 4, one)).toThrow(/in \[0, 1\]/);
  expect(() => cropResize(bytes(16, 1), [1, 4, 4, 1], box, 4, { mean: [0], deviation: [0] })).toThrow(/normalise/);
  expect(() => cropResize(bytes(16, 1), [1, 4, 4, 1], box, 4, asIs)).toThrow(/3 means/);
});
