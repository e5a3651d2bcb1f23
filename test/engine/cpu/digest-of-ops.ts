/** Prints a digest of what our own ops compute of seeded numbers, in float32 and in bfloat16, and which loops ran. */
import { createHash } from 'node:crypto';
import { opsModule } from '../../../engine/cpu/ops-addon';
import { attribute, binding, uploadBytes } from '../../../engine/native';
import { TF_BFLOAT16 } from '../../../engine/compile/bf16';
import { tf } from '../../../engine/tf';
import { cast, runNarrow } from '../support/bfloat16';
import { noise } from '../support/noise';

const hash = createHash('sha256');

// Large enough that every part of the work is given to several threads.
const widths = [70, 24, 6];
const channels = 100;
const x = tf.tensor4d(noise(8 * 60 * 61 * channels, 1), [8, 60, 61, channels]);
const dys = widths.map((width, part) => tf.tensor4d(noise(8 * 60 * 61 * width, 2 + part), [8, 60, 61, width]));
const vectors = [5, 6, 7, 8].map((seed) => tf.tensor1d(noise(channels, seed)));
const sides = [1, 3].map((count) => ({
  images: uploadBytes(
    Uint8Array.from(noise(32 * 120 * 120 * count, 9), (number) => 127.5 * (1 + number)),
    [32, 120, 120, count],
  ),
  factor: tf.tensor1d(noise(count, 10)),
  shift: tf.tensor1d(noise(count, 11)),
}));
const boxes = tf.tensor2d(
  noise(32 * 4, 12).map((number, i) => (i % 4 < 2 ? 0.3 : 0.7) + 0.3 * number),
  [32, 4],
);

const { TF_FLOAT, TF_UINT8 } = binding();
for (const T of [TF_FLOAT, TF_BFLOAT16]) {
  const narrow = (tensor: tf.Tensor): tf.Tensor => cast(tensor, TF_FLOAT, T);
  const add = (...tensors: tf.Tensor[]): void => tensors.forEach((tensor) => hash.update(tensor.dataSync()));
  const wide = (tensor: tf.Tensor): tf.Tensor => cast(tensor, T, TF_FLOAT);
  const parts = [attribute.type('T', T), attribute.int('parts', widths.length), attribute.int('widths', widths)];
  const rates = [attribute.float('epsilon', 1e-3), attribute.float('momentum', 0.9)];
  const outputs = runNarrow('LodestoneNormRelu', [...parts, ...rates], [narrow(x), ...vectors], widths.length + 4);
  const moments = outputs.slice(widths.length);
  const inputs = [narrow(x), ...dys.map(narrow), vectors[0], vectors[1], moments[2], moments[3]];
  const [dx, ...gradients] = runNarrow('LodestoneNormReluGrad', parts, inputs, 3);
  add(...outputs.slice(0, widths.length).map(wide), ...moments, wide(dx), ...gradients);
  for (const [size, stride] of [
    [3, 1],
    [3, 2],
  ]) {
    const windows = [attribute.type('T', T), attribute.int('size', size), attribute.int('stride', stride)];
    const [y, places] = runNarrow('LodestoneMaxPool', windows, [narrow(x)], 2);
    const image = [attribute.int('height', 60), attribute.int('width', 61)];
    const dy = narrow(tf.tensor4d(noise(y.size, 13), y.shape as [number, number, number, number]));
    add(
      wide(y),
      cast(places, TF_UINT8, TF_FLOAT),
      wide(runNarrow('LodestoneMaxPoolGrad', [...windows, ...image], [dy, places], 1)[0]),
    );
  }
  for (const [inputs, outputs, side, size] of [
    [64, 208, 30, 3],
    [208, 64, 7, 5],
  ]) {
    const [images, dy] = [inputs, outputs].map((count, i) =>
      narrow(tf.tensor4d(noise(8 * side * side * count, 16 + i), [8, side, side, count])),
    );
    const filter = tf.tensor4d(noise(size * size * inputs * outputs, 18), [size, size, inputs, outputs]);
    for (const [input, turned] of [
      [images, false],
      [dy, true],
    ] as const) {
      const given = [attribute.type('T', T), attribute.bool('turned', turned), attribute.int('biases', 0)];
      add(wide(runNarrow('LodestoneConvolve', given, [input, filter], 1)[0]));
    }
    const folded = [attribute.type('T', T), attribute.bool('turned', false), attribute.int('biases', 1)];
    add(wide(runNarrow('LodestoneConvolve', folded, [images, filter, tf.tensor1d(noise(outputs, 19))], 1)[0]));
    add(
      ...runNarrow(
        'LodestoneConvolveFilterGrad',
        [attribute.type('T', T), attribute.int('size', size)],
        [images, dy],
        1,
      ),
    );
  }
  for (const { images, factor, shift } of sides) {
    const given = [attribute.type('T', T), attribute.int('size', 96)];
    add(wide(runNarrow('LodestoneCrop', given, [images, boxes, factor, shift], 1)[0]));
  }
}
const distances = new Float64Array(50);
const row = Float64Array.from(noise(1023, 14));
const places = Int32Array.from(distances, (_, i) => (i * 7) % 40);
opsModule()?.squaredDistancesTo(row, Float32Array.from(noise(40 * 1023, 15)), places, 0, 50, distances);
hash.update(distances);
console.log(JSON.stringify({ loops: opsModule()?.instructionSet, digest: hash.digest('hex') }));
