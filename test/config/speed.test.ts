import { EpochSpeed, speedFigures, stepParts } from '../../config/speed';

const epoch = (changes: Partial<EpochSpeed> = {}): EpochSpeed =>
  EpochSpeed.parse({
    steps: 11,
    firstRuns: 1,
    images: 88,
    seconds: {
      ...Object.fromEntries(stepParts.map((part) => [part, 0])),
      wait: 1,
      step: 8,
      checkpoint: 1,
      compile: 30,
      'warm-up': 5,
    },
    residentBytes: 2e9,
    peakBytes: 3e9,
    tensors: 40,
    ...changes,
  });

test('rates leave compiling and first runs out, and so does the share of waiting', () => {
  expect(speedFigures([epoch()])).toEqual({
    stepsPerSecond: 1,
    imagesPerSecond: 8,
    waitShare: 0.1,
    compileSeconds: 30,
    warmUpSeconds: 5,
    residentMemoryBytes: 2e9,
    peakMemoryBytes: 3e9,
    tensors: 40,
  });
});

test('epochs add up; the peak is the largest, what is held is the last', () => {
  const later = epoch({ firstRuns: 0, steps: 10, images: 80, peakBytes: 1e9, residentBytes: 1e9, tensors: 41 });
  expect(speedFigures([epoch(), later])).toMatchObject({
    stepsPerSecond: 1,
    compileSeconds: 60,
    peakMemoryBytes: 3e9,
    residentMemoryBytes: 1e9,
    tensors: 41,
  });
});

test('without a step after the first there is no rate, and without an epoch nothing', () => {
  expect(speedFigures([epoch({ steps: 1, images: 8 })])).toMatchObject({ stepsPerSecond: null, imagesPerSecond: null });
  expect(speedFigures([])).toBeNull();
});

test('an epoch that lacks a part is not one', () => {
  expect(EpochSpeed.safeParse({ ...epoch(), seconds: { step: 1 } }).success).toBe(false);
});
