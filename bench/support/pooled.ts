/**
 * Several processes of one variant, taken together: where the memory of a process comes to lie decides some percents of its
 * speed for as long as it lives.
 */
import type { Outcome, Variant } from './interleave';

/** The variants in turns, each as often as said, under the same name. */
export function repeated(variants: readonly Variant[], processes: number): Variant[] {
  return Array.from({ length: processes }, () => variants).flat();
}

/** One outcome for each name: all milliseconds, the largest peak; what it waited is the first's. Where one process failed, its failure. */
export function pooled(outcomes: readonly Outcome[]): Outcome[] {
  const names = [...new Set(outcomes.map(({ name }) => name))];
  return names.map((name) => {
    const [first, ...others] = outcomes.filter((outcome) => outcome.name === name);
    return others.reduce((sum, other): Outcome => {
      if (sum.type === 'failed') return sum;
      if (other.type === 'failed') return other;
      return {
        ...sum,
        milliseconds: [...sum.milliseconds, ...other.milliseconds],
        peakBytes: Math.max(sum.peakBytes, other.peakBytes),
      };
    }, first);
  });
}
