/**
 * Everything that a training session is at one moment, as plain arrays: what a checkpoint holds. Whoever restores it goes
 * on as if nothing had happened, bit for bit. Does not know files or formats.
 */
import type { CurveRow, Position } from '../../config/artifacts';
import { LodestoneError } from '../../errors';

export type StateTensor = {
  readonly dtype: 'F32' | 'F64' | 'I32' | 'U8';
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | Int32Array | Uint8Array;
};

export interface SessionState {
  readonly position: Position;
  /** Variables by their names, and what stands under `stateNames`. */
  readonly tensors: ReadonlyMap<string, StateTensor>;
  /** Rows of the position's epoch so far. */
  readonly curve: readonly CurveRow[];
}

/** State that is no variable of the network or its optimizer. No variable's name starts like one of these. */
export const stateNames = {
  /** F64 [channels], of pixels in [0, 1]. */
  mean: 'input/mean',
  deviation: 'input/deviation',
  /** F64 [2]: the moving average of σ̂² and the weight of its terms so far. */
  variance: 'variance/running',
  /** F32 [N] and U8 [N], by training example; absent where the objective keeps no losses. */
  losses: 'sampler/losses',
  seen: 'sampler/seen',
} as const;

const reserved: ReadonlySet<string> = new Set(Object.values(stateNames));

/** The variables among the tensors, for VariableSet.restore, which names what does not fit. */
export function variablesIn({ tensors }: SessionState): Map<string, Float32Array> {
  const entries = [...tensors].filter(([name]) => !reserved.has(name));
  return new Map(entries.map(([name]) => [name, valuesOf(tensors, name, Float32Array)]));
}

/** The values of a tensor that must be there. Throws CheckpointIncompatible, naming it. */
export function valuesOf<T extends StateTensor['values']>(
  tensors: ReadonlyMap<string, StateTensor>,
  name: string,
  type: abstract new (...args: never[]) => T,
  length?: number,
): T {
  const values = tensors.get(name)?.values;
  const fits = values?.constructor.name === type.name && (length === undefined || values.length === length);
  if (!fits) {
    const got = values === undefined ? 'nothing' : `${values.constructor.name} of ${values.length}`;
    throw new LodestoneError(
      'CheckpointIncompatible',
      `state: ${name}: got ${got}, must be ${type.name}${length === undefined ? '' : ` of ${length}`}. ` +
        'Use the data set, network and objective that the checkpoint was written with.',
    );
  }
  return values as T;
}
