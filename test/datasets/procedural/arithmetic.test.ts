import { cosine, fallingLogistic, hsvToRgb, sine } from '../../../datasets/procedural/arithmetic';

// The engine's own functions are the reference: they agree with the true values far below the tolerance.
describe('arithmetic of the procedural set', () => {
  const points = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 20); // −100 … 100

  test('sine and cosine stay within 1e-9', () => {
    for (const x of points) {
      expect(Math.abs(sine(x) - Math.sin(x))).toBeLessThan(1e-9);
      expect(Math.abs(cosine(x) - Math.cos(x))).toBeLessThan(1e-9);
    }
  });

  test('the falling logistic stays within 1e-9 and is exact at its ends', () => {
    for (const x of points) expect(Math.abs(fallingLogistic(x) - 1 / (1 + Math.exp(x)))).toBeLessThan(1e-9);
    expect(fallingLogistic(-30)).toBe(1);
    expect(fallingLogistic(30)).toBe(0);
  });

  test.each([
    [0, 1, 1, [1, 0, 0]],
    [1 / 3, 1, 1, [0, 1, 0]],
    [-1 / 3, 1, 0.5, [0, 0, 0.5]],
    [1.5, 0.5, 1, [0.5, 1, 1]],
    [0.2, 0, 0.7, [0.7, 0.7, 0.7]],
  ])('hsvToRgb(%d, %d, %d) is %j', (hue, saturation, value, expected) => {
    const colour = hsvToRgb(hue, saturation, value);
    expected.forEach((channel, i) => expect(colour[i]).toBeCloseTo(channel, 12));
  });
});
