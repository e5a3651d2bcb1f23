/**
 * A crop of each image by its box, rescaled and normalised: fused (one op of our own, CPUs only, engine/cpu/crop.cc) and
 * stock (CropAndResize, a product and a sum).
 */
import { requireOps } from '../cpu/ops-addon';
import { attribute, binding, nativeType, runOneOutput } from '../native';
import { tf } from '../tf';

/** Per channel, on the scale where black is 0 and white is 1: (value − mean) / deviation. */
export interface Normalise {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/**
 * @param images uint8 [N, H, H, C]
 * @param boxes float32 [N, 4], y1 x1 y2 x2 as CropAndResize counts
 * @returns float32 [N, size, size, C]
 */
export type CropResize = (images: tf.Tensor, boxes: tf.Tensor2D, size: number, normalise: Normalise) => tf.Tensor4D;

export const fusedCropResize: CropResize = (images, boxes, size, normalise) => {
  requireOps(binding().isUsingGpuDevice());
  const { factor, shift } = perChannel(normalise);
  const attributes = [attribute.float32('T'), attribute.int('size', size)];
  return runOneOutput('LodestoneCrop', attributes, [
    images,
    boxes,
    tf.tensor1d(factor),
    tf.tensor1d(shift),
  ]) as tf.Tensor4D;
};

export const stockCropResize: CropResize = (images, boxes, size, normalise) => {
  const source = onDevice(images);
  const attributes = [
    attribute.type('T', nativeType(source)),
    attribute.string('method', 'bilinear'),
    attribute.float('extrapolation_value', 0),
  ];
  const imageOfBox = tf.range(0, boxes.shape[0], 1, 'int32');
  const crops = runOneOutput('CropAndResize', attributes, [
    source,
    boxes,
    imageOfBox,
    tf.tensor1d([size, size], 'int32'),
  ]);
  // Row by row, the channels' numbers repeated along it: broadcasting over 3 channels alone takes several times longer.
  const { factor, shift } = perChannel(normalise);
  const alongRow = (numbers: readonly number[]): tf.Tensor1D =>
    tf.tensor1d(Float32Array.from({ length: size * numbers.length }, (_, i) => numbers[i % numbers.length]));
  const rows = crops.reshape([-1, size * factor.length]);
  return rows.mul(alongRow(factor)).add(alongRow(shift)).reshape<tf.Tensor4D>(crops.shape);
};

/** (byte / 255 − mean) / deviation = byte · factor + shift. */
function perChannel({ mean, deviation }: Normalise): { factor: number[]; shift: number[] } {
  return {
    factor: deviation.map((width) => 1 / (255 * width)),
    shift: mean.map((middle, channel) => -middle / deviation[channel]),
  };
}

/** GPUs crop float32 only; from uint8 TensorFlow would crop on the CPU, at a tenth of the speed. The crop's bits are the same. */
function onDevice(images: tf.Tensor): tf.Tensor {
  if (!binding().isUsingGpuDevice()) return images;
  const { TF_UINT8, TF_FLOAT } = binding();
  const types = [attribute.type('SrcT', TF_UINT8), attribute.type('DstT', TF_FLOAT), attribute.bool('Truncate', false)];
  return runOneOutput('Cast', types, [images]);
}
