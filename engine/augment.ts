/**
 * Images from stored bytes to network input in native calls: upload as uint8, crop and rescale by a box per image, normalise. Knows pixels and boxes; does not know where crops come from (learning/ draws them).
 *
 * CropAndResize counts between pixel centres: box coordinate 0 is the centre of the first pixel and 1 that of the last
 * (y · (side − 1) in pixels); a crop's first and last output pixels sample the box's two ends, bilinearly, without
 * averaging. A sample beyond the last centre would be black, not the edge: boxes are therefore kept inside [0, 1].
 * `boxOfCrop` translates a crop in pixel edges, the convention of image libraries, to such a box.
 */
import { LodestoneError } from '../errors';
import { fusedCropResize, stockCropResize, type Normalise } from './implementations/crop-resize';
import { kernelFor } from './kernels';
import { uploadBytes } from './native';
import { tf } from './tf';

export type { Normalise };

type Shape4 = [number, number, number, number];

/** In pixels of the stored image, from its top left corner; fractions are allowed. */
export interface Crop {
  readonly top: number;
  readonly left: number;
  readonly size: number;
}

/**
 * How far inside the last pixel's centre a rescaled box must end, in pixels: float32 positions are off by up to 2⁻¹⁵ at
 * a side of 512, and what lands beyond the centre is black. At most 10⁻³ of a grey step between neighbours is lost.
 */
const MARGIN = 1e-3;

/**
 * @param pixels uint8, row-major [B, side, side, C], copied before this returns
 * @param boxes float32 [B, 4], y1 x1 y2 x2 in [0, 1] as CropAndResize counts (above)
 * @param outputSize S, pixels
 * @returns float32 [B, S, S, C]; the caller disposes it
 */
export function cropResize(
  pixels: Uint8Array,
  shape: Readonly<Shape4>,
  boxes: Float32Array,
  outputSize: number,
  normalise: Normalise,
): tf.Tensor4D {
  refuseMisfit(pixels, shape, boxes, normalise);
  return tf.tidy(() => {
    const images = uploadBytes(pixels, shape);
    const safeBoxes = tf.tensor2d(insideImage(boxes, shape[1], outputSize), [shape[0], 4]);
    return cropResizeTensors(images, safeBoxes, outputSize, normalise);
  });
}

/**
 * The same for tensors that are on the device already: `images` by `uploadBytes`, `boxes` by `insideImage`.
 * A pure function of its arguments, for use inside a compiled step.
 */
export function cropResizeTensors(
  images: tf.Tensor,
  boxes: tf.Tensor2D,
  outputSize: number,
  normalise: Normalise,
): tf.Tensor4D {
  const crop = kernelFor('crop') === 'fused' ? fusedCropResize : stockCropResize;
  return tf.tidy(() => crop(images, boxes, outputSize, normalise));
}

/**
 * The box y1 x1 y2 x2 whose samples are the centres of outputSize² equal cells of the crop (pixel edges, half-pixel
 * centres). The crop must be inside the image; one smaller than its output is cut to the border's pixel centres.
 */
export function boxOfCrop(
  { top, left, size }: Crop,
  side: number,
  outputSize: number,
): [number, number, number, number] {
  const inset = size / (2 * outputSize) - 0.5; // from the crop's edge to the first cell's centre, in pixel centres
  const position = (pixel: number): number => Math.min(1, Math.max(0, pixel / (side - 1)));
  const first = (edge: number): number => position(edge + inset);
  const last = (edge: number): number => position(edge + size - 1 - inset);
  return [first(top), first(left), last(top), last(left)];
}

/** A copy of the boxes in which no sample falls beyond the last pixel's centre, in float32 too. */
export function insideImage(boxes: Float32Array, side: number, outputSize: number): Float32Array {
  const end = 1 - MARGIN / (side - 1);
  const safe = new Float32Array(boxes);
  for (let i = 0; i < safe.length; i += 4) {
    for (const axis of [0, 1]) {
      const [start, stop] = [safe[i + axis], safe[i + axis + 2]];
      const whole = start === 0 && stop === 1 && side === outputSize; // steps of exactly one pixel
      if (!whole && stop > end) safe[i + axis + 2] = end;
    }
  }
  return safe;
}

function refuseMisfit(
  pixels: Uint8Array,
  shape: Readonly<Shape4>,
  boxes: Float32Array,
  { mean, deviation }: Normalise,
): void {
  const [batch, height, width, channels] = shape;
  const complaints: string[] = [];
  if (pixels.length !== batch * height * width * channels || height !== width) {
    complaints.push(`pixels: got ${pixels.length} bytes, must be square images of shape [${shape.join(', ')}]`);
  }
  if (boxes.length !== batch * 4 || !boxes.every((edge) => edge >= 0 && edge <= 1)) {
    complaints.push(`boxes: got ${boxes.length} numbers, must be ${batch * 4} in [0, 1]: outside is black`);
  }
  if (mean.length !== channels || deviation.length !== channels || !deviation.every((d) => d > 0)) {
    complaints.push(`normalise: got ${mean.length} means and ${deviation.length} deviations, must be ${channels}, > 0`);
  }
  if (complaints.length > 0) {
    throw new LodestoneError('InvalidConfig', `cropResize: ${complaints.join('; ')}. Pass a batch that fits.`);
  }
}
