/** Prints a digest of what our own ops compute of seeded numbers, in float32. */
import { createHash } from 'node:crypto';
import { fusedCropResize } from '../../../engine/implementations/crop-resize';
import { fusedNormRelu } from '../../../engine/implementations/norm-relu';
import { uploadBytes } from '../../../engine/native';
import { tf } from '../../../engine/tf';
import { noise } from '../support/noise';

const hash = createHash('sha256');
const add = (...tensors: tf.Tensor[]): void => tensors.forEach((tensor) => hash.update(tensor.dataSync()));

const widths = [70, 24, 6];
const forward = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor => {
  const moving = { movingMean: tf.zeros([100]), movingVariance: tf.ones([100]), momentum: 0.9 };
  return tf.concat(fusedNormRelu({ x: x as tf.Tensor4D, scale, offset, ...moving }, widths, add), 3);
};
const x = tf.tensor4d(noise(4 * 30 * 31 * 100, 1), [4, 30, 31, 100]);
const dy = tf.tensor4d(noise(x.size, 2), x.shape);
const { value, grads } = tf.valueAndGrads(forward)([x, tf.tensor1d(noise(100, 3)), tf.tensor1d(noise(100, 4))], dy);
add(value, ...grads);

for (const channels of [1, 3]) {
  const pixels = Uint8Array.from(noise(5 * 37 * 37 * channels, 5), (number) => 127.5 * (1 + number));
  const boxes = tf.tensor2d(
    noise(20, 6).map((number, i) => (i % 4 < 2 ? 0.3 : 0.7) + 0.3 * number),
    [5, 4],
  );
  const normalise = { mean: Array<number>(channels).fill(0.4), deviation: Array<number>(channels).fill(0.3) };
  add(fusedCropResize(uploadBytes(pixels, [5, 37, 37, channels]), boxes, 29, normalise));
}
console.log(JSON.stringify({ ops: hash.digest('hex') }));
