/** Mean and deviation of the training images. */
import { inputStatistics } from '../../../learning/training/input-statistics';
import { labelData } from '../../../learning/training-data';

const records = ['train', 'test', 'train'].map((split, i) => ({
  path: `${i}`,
  split: split as 'train' | 'test',
  labels: { kind: `${i}` },
}));
const data = labelData(records, { label: 'kind', fineLabel: null, pairing: null, trainOn: 'train' });

test('are taken by channel over the training split alone, on the scale of 0 to 1', async () => {
  const pixels = [
    [0, 10, 7, 255, 20, 7, 0, 10, 7, 255, 20, 7], // 2 × 2 pixels of 3 channels
    [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], // of the test split
    [255, 30, 7, 0, 40, 7, 255, 30, 7, 0, 40, 7],
  ];
  const read = (examples: readonly number[]): Promise<Uint8Array> =>
    Promise.resolve(Uint8Array.from(examples.flatMap((i) => pixels[i])));
  const { mean, deviation } = await inputStatistics(data, { edge: 2, channels: 3, read });
  [0.5, 25 / 255, 7 / 255].forEach((value, channel) => expect(mean[channel]).toBeCloseTo(value, 12));
  [0.5, Math.sqrt(125) / 255, 1].forEach((value, channel) => expect(deviation[channel]).toBeCloseTo(value, 12));
});

test('a channel that never varies has deviation 1, whatever its value: nothing is divided by what is left of rounding', async () => {
  for (let value = 0; value < 256; value++) {
    const read = (examples: readonly number[]): Promise<Uint8Array> =>
      Promise.resolve(new Uint8Array(examples.length * 9).fill(value));
    expect((await inputStatistics(data, { edge: 3, channels: 1, read })).deviation).toEqual([1]);
  }
});
