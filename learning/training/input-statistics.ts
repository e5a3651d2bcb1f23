/**
 * Mean and deviation of the training images by channel, by which the network's input is normalised. Integer sums, so
 * that the result does not depend on the order of reading.
 */
import type { Normalise } from '../../engine/augment';
import type { BatchSource } from '../batch-source';
import type { TrainingData } from '../training-data';

/** Of a larger data set this many training images are enough, evenly spread: a pass over all could take an hour. */
const MOST_IMAGES = 4096;
const READ_AT_ONCE = 64;

/** On the scale where black is 0 and white is 1. A channel that never varies has deviation 1. */
export async function inputStatistics({ train }: TrainingData, source: BatchSource): Promise<Normalise> {
  const { channels } = source;
  const count = Math.min(train.length, MOST_IMAGES);
  const chosen = Array.from({ length: count }, (_, i) => train[Math.floor((i * train.length) / count)]);
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let start = 0; start < chosen.length; start += READ_AT_ONCE) {
    addTo(sums, squares, await source.read(chosen.slice(start, start + READ_AT_ONCE)));
  }
  const pixels = chosen.length * source.edge ** 2;
  const mean = Array.from(sums, (sum) => sum / pixels / 255);
  const deviation = Array.from(squares, (square, channel) => {
    if (variesNot(sums[channel], square, pixels)) return 1; // the difference below rounds to anything but 0
    return Math.sqrt(Math.max(0, square / pixels / 255 ** 2 - mean[channel] ** 2));
  });
  return { mean, deviation };
}

/** Whether all values are equal: exactly then the mean of the squares is the square of the mean. */
function variesNot(sum: number, square: number, pixels: number): boolean {
  return BigInt(square) * BigInt(pixels) === BigInt(sum) ** 2n;
}

function addTo(sums: Float64Array, squares: Float64Array, pixels: Uint8Array): void {
  const channels = sums.length;
  for (let channel = 0; channel < channels; channel++) {
    let [sum, square] = [0, 0]; // exact: both stay far below 2⁵³
    for (let i = channel; i < pixels.length; i += channels) {
      const value = pixels[i];
      sum += value;
      square += value * value;
    }
    sums[channel] += sum;
    squares[channel] += square;
  }
}
