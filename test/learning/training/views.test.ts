/** Which part of an image is seen. */
import { rngFor } from '../../../learning/random';
import { centreViews, randomViews, seededViews } from '../../../learning/training/views';

const geometry = { edge: 63, inputSize: 48 };

/** Edge of what a box shows, as a share of the image: from the first to the last of the cells' edges. */
function shares(boxes: Float32Array): number[] {
  return Array.from({ length: boxes.length / 4 }, (_, i) => {
    const centres = (boxes[i * 4 + 2] - boxes[i * 4]) * (geometry.edge - 1); // from first to last cell's centre, pixels
    return (centres * geometry.inputSize) / (geometry.inputSize - 1) / geometry.edge;
  });
}

test('random views are squares of 1/1.3 to all of the image, inside it, over that whole range', () => {
  const boxes = randomViews(2000, geometry, rngFor(1, 'views'));
  expect(boxes.every((edge) => edge >= 0 && edge <= 1)).toBe(true);
  const seen = shares(boxes);
  expect(Math.min(...seen)).toBeGreaterThan(1 / 1.3 - 1e-3);
  expect(Math.min(...seen)).toBeLessThan(1 / 1.3 + 0.005);
  expect(Math.max(...seen)).toBeLessThanOrEqual(1 + 1e-3);
  expect(Math.max(...seen)).toBeGreaterThan(0.99);
  const heights = Array.from({ length: 2000 }, (_, i) => boxes[i * 4 + 2] - boxes[i * 4]);
  heights.forEach((height, i) => expect(boxes[i * 4 + 3] - boxes[i * 4 + 1]).toBeCloseTo(height, 3));
});

test('the centre view shows 1/1.15 of the image, as much cut off on each side', () => {
  const boxes = centreViews(2, geometry);
  expect(shares(boxes)[1]).toBeCloseTo(1 / 1.15, 5);
  expect(boxes[0]).toBeCloseTo(1 - boxes[2], 6);
  expect(boxes[1]).toBe(boxes[0]);
});

test('a seeded view depends on seed, view and example, not on the company', () => {
  const of = (examples: number[], seed = 1, view = 0): number[] => [...seededViews(examples, geometry, seed, view)];
  expect(of([4, 9]).slice(4)).toEqual(of([9]));
  expect(of([9])).not.toEqual(of([4]));
  expect(of([9], 2)).not.toEqual(of([9]));
  expect(of([9], 1, 1)).not.toEqual(of([9]));
});
