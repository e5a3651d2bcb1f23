import { smoothed, thinned, type Points } from '../../../report/parts/thinning';

const line = (length: number, y: (x: number) => number): Points => Array.from({ length }, (_, x) => [x, y(x)] as const);

test('a long curve becomes at most two points a bucket and its ends, in order, with its spike', () => {
  const points = line(100_000, (x) => (x === 54_321 ? 99 : x % 7));
  const kept = thinned(points, 299);
  expect(kept.length).toBeLessThanOrEqual(600);
  expect(kept[0]).toEqual([0, 0]);
  expect(kept[kept.length - 1][0]).toBe(99_999);
  expect(kept).toContainEqual([54_321, 99]);
  expect(kept.every(([x], i) => i === 0 || x > kept[i - 1][0])).toBe(true);
});

test('a short curve comes back whole', () => {
  const points = line(500, (x) => x);
  expect(thinned(points, 299)).toBe(points);
});

test('smoothing keeps a straight line as it is, at its ends too, and lessens scatter', () => {
  const straight = smoothed(line(400, (x) => 3 * x + 1));
  for (const [x, y] of straight) expect(y).toBeCloseTo(3 * x + 1, 6);
  const scattered = smoothed(line(400, (x) => (x % 2 === 0 ? 1 : -1)));
  expect(Math.max(...scattered.slice(10, -10).map(([, y]) => Math.abs(y)))).toBeLessThan(0.2);
});
