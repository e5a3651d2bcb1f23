/**
 * The one read-out by votes. The L nearest references vote for classes with weight exp(−d²/scale):
 *   kNC (Rippel et al. 2015, eq. 6)   references are centroids, scale = 2σ²
 *   soft-kNN                          references are training embeddings, scale = 2τV
 *   1-NN                              the nearest training embedding alone
 * Scores are logarithms of the sums, shifted by the class's nearest reference: no weight underflows, however far the query.
 */
import type { Neighbours } from './neighbours';
import type { Scores } from './scores';

/** Whom a reference votes for: classes with shares that sum to 1. */
export interface Ballots {
  readonly classes: number;
  /** int32 [R + 1]: reference r votes for entries starts[r] … starts[r + 1] − 1. */
  readonly starts: Int32Array;
  readonly classIds: Int32Array;
  readonly shares: Float64Array;
}

/** Below it no two distances differ by less than exp can tell; keeps 0/0 out where all embeddings of a class coincide. */
const LEAST_SCALE = 1e-150;

const { exp, log } = Math;
const { NEGATIVE_INFINITY } = Number;

/** @param scale 2σ² or 2τV */
export function votedScores(
  { queries, count, references, distances }: Neighbours,
  ballots: Ballots,
  scale: number,
): Scores {
  const { classes, starts, classIds, shares } = ballots;
  const divisor = scale > LEAST_SCALE ? scale : LEAST_SCALE;
  const sums = new Float64Array(classes);
  return {
    examples: queries,
    classes,
    write(example: number, into: Float64Array): void {
      into.fill(NEGATIVE_INFINITY);
      const from = example * count;
      // Nearest first: the first vote for a class is its largest, and `into` holds its exponent until the sum is whole.
      for (let i = from; i < from + count; i++) {
        const exponent = -distances[i] / divisor;
        for (let entry = starts[references[i]]; entry < starts[references[i] + 1]; entry++) {
          const id = classIds[entry];
          if (into[id] === NEGATIVE_INFINITY) {
            into[id] = exponent;
            sums[id] = 0;
          }
          sums[id] += shares[entry] * exp(exponent - into[id]);
        }
      }
      for (let id = 0; id < classes; id++) if (into[id] !== NEGATIVE_INFINITY) into[id] += log(sums[id]);
    },
  };
}

/** Each reference votes for its class. */
export function singleBallots(classIds: Int32Array, classes: number): Ballots {
  const starts = Int32Array.from({ length: classIds.length + 1 }, (_, reference) => reference);
  return { classes, starts, classIds, shares: new Float64Array(classIds.length).fill(1) };
}

/**
 * Each cluster votes with the histogram of its members' classes.
 * @param assignments int32 [N], the cluster of each member
 * @param memberClasses int32 [N]
 */
export function histogramBallots(
  assignments: Int32Array,
  memberClasses: Int32Array,
  clusters: number,
  classes: number,
): Ballots {
  const counts = histograms(assignments, memberClasses, clusters);
  const starts = new Int32Array(clusters + 1);
  counts.forEach((histogram, cluster) => {
    starts[cluster + 1] = starts[cluster] + histogram.size;
  });
  const entries = counts.flatMap((histogram) => {
    const size = [...histogram.values()].reduce((sum, count) => sum + count, 0);
    return [...histogram].sort(([a], [b]) => a - b).map(([id, count]) => ({ id, share: count / size }));
  });
  return {
    classes,
    starts,
    classIds: Int32Array.from(entries, ({ id }) => id),
    shares: Float64Array.from(entries, ({ share }) => share),
  };
}

/** Of each cluster: class number → members. */
export function histograms(
  assignments: Int32Array,
  memberClasses: Int32Array,
  clusters: number,
): Map<number, number>[] {
  const counts = Array.from({ length: clusters }, () => new Map<number, number>());
  assignments.forEach((cluster, row) => {
    const id = memberClasses[row];
    counts[cluster].set(id, (counts[cluster].get(id) ?? 0) + 1);
  });
  return counts;
}
