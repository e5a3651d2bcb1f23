/**
 * Curves made ready to draw: a running mean over the steps, and few enough points that a page of a long run stays small.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The most points that one drawn line has. */
export const MAX_POINTS = 600;

/** A line for the trend, over a fainter one that shows how far single steps scatter. */
export interface SmoothedCurve {
  readonly trend: readonly Point[];
  readonly raw: readonly Point[];
}

export function smoothedCurve(points: readonly Point[]): SmoothedCurve {
  const finite = points.filter(({ y }) => Number.isFinite(y));
  return { trend: everyNth(runningMean(finite)), raw: envelope(finite) };
}

/** Mean over a centred window of a fortieth of the curve; it shrinks at both ends, so the ends are not shifted. */
function runningMean(points: readonly Point[]): Point[] {
  const sums = [0];
  for (const { y } of points) sums.push(sums[sums.length - 1] + y);
  const half = Math.max(1, Math.round(points.length / 80));
  return points.map(({ x }, at) => {
    const reach = Math.min(half, at, points.length - 1 - at);
    return { x, y: (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1) };
  });
}

/** At most MAX_POINTS points, evenly spread, the first and the last among them. */
function everyNth(points: readonly Point[]): Point[] {
  if (points.length <= MAX_POINTS) return [...points];
  const stride = (points.length - 1) / (MAX_POINTS - 1);
  return Array.from({ length: MAX_POINTS }, (_, at) => points[Math.round(at * stride)]);
}

/** The lowest and the highest point of each bucket, in order: a spike survives thinning. */
function envelope(points: readonly Point[]): Point[] {
  if (points.length <= MAX_POINTS) return [...points];
  const buckets = MAX_POINTS / 2;
  return Array.from({ length: buckets }, (_, at) => {
    const from = Math.floor((at * points.length) / buckets);
    const bucket = points.slice(from, Math.floor(((at + 1) * points.length) / buckets));
    const low = bucket.reduce((best, point) => (point.y < best.y ? point : best));
    const high = bucket.reduce((best, point) => (point.y > best.y ? point : best));
    return low.x <= high.x ? [low, high] : [high, low];
  }).flat();
}
