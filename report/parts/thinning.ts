/**
 * Long curves made short enough to draw: as few points as there are pixels, spikes kept.
 */
export type Points = readonly (readonly [x: number, y: number])[];

/** First, lowest, highest and last point of each of `buckets` slices, in order; short curves come back whole. */
export function thinned(points: Points, buckets: number): Points {
  if (points.length <= buckets * 2) return points;
  const kept: (readonly [number, number])[] = [];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const start = Math.floor((bucket * points.length) / buckets);
    const end = Math.floor(((bucket + 1) * points.length) / buckets);
    let low = start;
    let high = start;
    for (let i = start; i < end; i += 1) {
      if (points[i][1] < points[low][1]) low = i;
      if (points[i][1] > points[high][1]) high = i;
    }
    const ends = [bucket === 0 ? start : low, low, high, bucket === buckets - 1 ? end - 1 : high];
    for (const i of [...new Set(ends)].sort((a, b) => a - b)) kept.push(points[i]);
  }
  return kept;
}

/**
 * Mean over a window centred on each point, smaller at the ends. The window is a fortieth of the curve, nine points at
 * least; a curve of under twenty points is left alone.
 */
export function smoothed(points: Points): Points {
  const half = points.length < 20 ? 0 : Math.max(4, Math.floor(points.length / 80));
  const sums = new Float64Array(points.length + 1);
  for (const [i, [, y]] of points.entries()) sums[i + 1] = sums[i] + y;
  return points.map(([x], i) => {
    const reach = Math.min(half, i, points.length - 1 - i);
    return [x, (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1)];
  });
}
