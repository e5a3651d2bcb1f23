/**
 * Everything that a training session is at one moment, as plain arrays: what a checkpoint holds. Whoever restores it goes
 * on as if nothing had happened, bit for bit. Does not know files or formats.
 */
import type { CurveRow, Position } from '../../config/artifacts';
import type { Normalise } from '../../engine/augment';
import type { VariableSpec } from '../../engine/variables';
import { LodestoneError } from '../../errors';
import type { Sampler } from '../sampling/sampler';
import { RunningVariance } from './running-variance';

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

export type SamplerState = NonNullable<ReturnType<Sampler['state']>>;

/** What the tensors of a state stand for. */
export interface StateParts {
  readonly variables: ReadonlyMap<string, Float32Array>;
  readonly input: Normalise;
  readonly variance: RunningVariance;
  /** null where the objective keeps no losses. */
  readonly sampler: SamplerState | null;
}

/** Copies of all parts, in a fixed order. */
export function tensorsOf(
  specs: readonly VariableSpec[],
  { variables, input, variance, sampler }: StateParts,
): Map<string, StateTensor> {
  const tensors = new Map<string, StateTensor>();
  for (const { name, shape } of specs) {
    tensors.set(name, { dtype: 'F32', shape, values: variables.get(name) as Float32Array });
  }
  tensors.set(stateNames.mean, float64(input.mean));
  tensors.set(stateNames.deviation, float64(input.deviation));
  tensors.set(stateNames.variance, float64([variance.sum, variance.weight]));
  if (sampler !== null) {
    const shape = [sampler.losses.length];
    tensors.set(stateNames.losses, { dtype: 'F32', shape, values: sampler.losses.slice() });
    tensors.set(stateNames.seen, { dtype: 'U8', shape, values: sampler.seen.slice() });
  }
  return tensors;
}

/**
 * The parts of a state. Whether the variables fit is for VariableSet.restore to say.
 * Throws CheckpointIncompatible, naming what is missing or misshaped.
 * @param rows training examples
 */
export function partsOf(
  { tensors }: SessionState,
  { channels, rows }: { readonly channels: number; readonly rows: number },
): StateParts {
  const names = [...tensors.keys()].filter((name) => !reserved.has(name));
  const [sum, weight] = valuesOf(tensors, stateNames.variance, Float64Array, 2);
  return {
    variables: new Map(names.map((name) => [name, valuesOf(tensors, name, Float32Array)])),
    input: {
      mean: Array.from(valuesOf(tensors, stateNames.mean, Float64Array, channels)),
      deviation: Array.from(valuesOf(tensors, stateNames.deviation, Float64Array, channels)),
    },
    variance: new RunningVariance(sum, weight),
    sampler: tensors.has(stateNames.losses)
      ? {
          losses: valuesOf(tensors, stateNames.losses, Float32Array, rows).slice(),
          seen: valuesOf(tensors, stateNames.seen, Uint8Array, rows).slice(),
        }
      : null,
  };
}

function float64(numbers: readonly number[]): StateTensor {
  return { dtype: 'F64', shape: [numbers.length], values: Float64Array.from(numbers) };
}

/** The values of a tensor that must be there. Throws CheckpointIncompatible, naming it. */
function valuesOf<T extends StateTensor['values']>(
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
