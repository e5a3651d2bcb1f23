/** How fast memory grows, by least squares. */
import { fitLine } from '../../../bench/support/resident';

test('a line is found exactly, with no error', () => {
  const { slope, error } = fitLine([0, 1, 5, 9].map((x) => [x, 7 - 3 * x] as const));
  expect(slope).toBeCloseTo(-3, 12);
  expect(error).toBeCloseTo(0, 12);
});

test('errors of the points are in the error of the slope', () => {
  // By hand: means 1 and 1, Σ(x − x̄)² = 2, Σ(x − x̄)(y − ȳ) = 1; residuals ½, −1, ½.
  const { slope, error } = fitLine([
    [0, 1],
    [1, 0],
    [2, 2],
  ]);
  expect(slope).toBeCloseTo(0.5, 12);
  expect(error).toBeCloseTo(Math.sqrt(1.5 / 1 / 2), 12);
});
