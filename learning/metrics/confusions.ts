/** Which classes are taken for which. */
export interface Confusion {
  readonly actual: number;
  readonly predicted: number;
  readonly count: number;
}

/** The most frequent first; ties by actual, then predicted class. A prediction of −1, no votes, is left out. */
export function topConfusions(truth: Int32Array, predicted: Int32Array, limit: number): Confusion[] {
  const counts = new Map<string, { actual: number; predicted: number; count: number }>();
  truth.forEach((actual, example) => {
    const taken = predicted[example];
    if (taken === actual || taken === -1) return;
    const key = `${actual} ${taken}`;
    const entry = counts.get(key) ?? { actual, predicted: taken, count: 0 };
    entry.count++;
    counts.set(key, entry);
  });
  return [...counts.values()]
    .sort((a, b) => b.count - a.count || a.actual - b.actual || a.predicted - b.predicted)
    .slice(0, limit);
}
