/**
 * The setting of soft-kNN: temperature τ, and embeddings as they are or L2-normalised. Chosen by error@1 on validation for
 * the labels asked for, by the same rule for every objective (METHOD §4); a given setting is taken as it is.
 */
import type { Neighbours } from './neighbours';
import { outcomeOf } from './scores';
import { votedScores, type Ballots } from './votes';

export interface SoftKnnSetting {
  readonly normalised: boolean;
  readonly temperature: number;
}

/** Where nothing is given and there is no validation: the setting that was best most often (RESULTS: L2, τ = ¼). */
export const unchosenSetting: SoftKnnSetting = { normalised: true, temperature: 0.25 };

/** Training embeddings as one of the two normalisations sees them. */
export interface SoftKnnSpace {
  readonly normalised: boolean;
  /** V, within trained classes, in this space. */
  readonly variance: number;
  /** Of validation among training examples. */
  readonly validation: Neighbours;
}

/** The lowest error@1; of equals the first space, then the first temperature. */
export function chooseSoftKnn(
  spaces: readonly SoftKnnSpace[],
  temperatures: readonly number[],
  ballots: Ballots,
  truth: Int32Array,
): SoftKnnSetting {
  const tried = spaces.flatMap(({ normalised, variance, validation }) =>
    temperatures.map((temperature) => ({
      setting: { normalised, temperature },
      error: outcomeOf(votedScores(validation, ballots, 2 * temperature * variance), truth).error1,
    })),
  );
  return tried.reduce((best, next) => (next.error < best.error ? next : best)).setting;
}
