import type { BatchSource } from '../../learning/batch-source';
import { chanceErrors, rawPixelErrors, rawPixelWork, reduced } from '../../learning/baselines';
import { labelData, type TrainingData } from '../../learning/training-data';

const EDGE = 30;

/** The bright half says the side, a bright or dark lower half the make; brightness says nothing to a cosine. */
const shades = ['left', 'left', 'right', 'right', 'left', 'right', 'left'];
const data: TrainingData = labelData(
  shades.map((side, i) => ({
    path: `${i}.png`,
    split: i < 4 ? 'train' : 'test',
    // Two labels tell other than their pictures: the make of 5 and the side of 6.
    labels: { side: i === 6 ? 'right' : side, make: `${side} ${i === 5 ? 0 : i % 2}` },
  })),
  { label: 'side', fineLabel: 'make', pairing: null, trainOn: 'train' },
);
const source: BatchSource = {
  edge: EDGE,
  channels: 1,
  read: (examples) => Promise.resolve(Uint8Array.from(examples.flatMap(picture))),
};

function picture(example: number): number[] {
  return Array.from({ length: EDGE * EDGE }, (_, i) => {
    const lit = i % EDGE < EDGE / 2 === (shades[example] === 'left') && (i < (EDGE * EDGE) / 2 || example % 2 === 0);
    return lit ? 30 * (example + 1) : 0;
  });
}

test('the nearest training image by the cosine of pixels gives its label', async () => {
  let told = 0;
  const errors = await rawPixelErrors(data, data.test, source, (images) => {
    told += images;
    return Promise.resolve();
  });
  expect(errors.trained).toBeCloseTo(1 / 3, 12);
  expect(errors.fine).toBeCloseTo(1 / 3, 12);
  expect(told).toBe(rawPixelWork(data, data.test));
});

test('chance is a guess among all classes alike', () => {
  expect(chanceErrors(data)).toEqual({ trained: 1 / 2, fine: 3 / 4 });
});

test('a reduced pixel is the mean of the area that it covers', () => {
  const pixels = Uint8Array.of(0, 30, 60, 90, 120, 150, 180, 210, 240); // 3 × 3 to 2 × 2: areas of 1.5 × 1.5
  const expected = [
    (0 + 30 / 2 + 90 / 2 + 120 / 4) / 2.25,
    (30 / 2 + 60 + 120 / 4 + 150 / 2) / 2.25,
    (90 / 2 + 120 / 4 + 180 + 210 / 2) / 2.25,
    (120 / 4 + 150 / 2 + 210 / 2 + 240) / 2.25,
  ];
  const small = reduced(pixels, 1, { edge: 3, channels: 1 }, 2);
  small.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
});

test('images and channels stay apart', () => {
  const pixels = Uint8Array.of(1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 7, 8, 9, 7, 8, 9, 7, 8, 9, 7, 8, 9);
  expect([...reduced(pixels, 2, { edge: 2, channels: 3 }, 1)]).toEqual([1, 2, 3, 7, 8, 9]);
});

test('of a large set a part is compared, evenly spread, and all that is announced is told', async () => {
  const large = labelData(
    Array.from({ length: 5000 + 3000 }, (_, i) => ({
      path: `${String(i).padStart(4, '0')}.png`,
      split: i < 5000 ? 'train' : 'test',
      labels: { side: i % 2 === 0 ? 'even' : 'odd' },
    })),
    { label: 'side', fineLabel: null, pairing: null, trainOn: 'train' },
  );
  const read: number[] = [];
  const pixels: BatchSource = {
    edge: 2,
    channels: 1,
    read: (examples) => {
      read.push(...examples);
      return Promise.resolve(Uint8Array.from(examples.flatMap((i) => (i % 2 === 0 ? [9, 0, 0, 9] : [0, 9, 9, 0]))));
    },
  };
  let told = 0;
  const errors = await rawPixelErrors(large, large.test, pixels, (images) => {
    told += images;
    return Promise.resolve();
  });
  expect(errors).toEqual({ trained: 0, fine: null });
  expect(told).toBe(rawPixelWork(large, large.test));
  expect(read).toHaveLength(5000 + 2000);
  expect(read.slice(5000, 5004)).toEqual([5000, 5001, 5003, 5004]);
});
