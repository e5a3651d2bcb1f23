/**
 * Batch norm of inference folded into the convolution before it: with s = scale / √(variance + ε) per output channel,
 * (conv(x, w) − mean) · s + offset = conv(x, w · s) + (offset − mean · s).
 * Knows how layers name their variables; computes in float64 and rounds once. Plain arrays: no tensors.
 */
import { BATCH_NORM_EPSILON } from '../../engine/implementations/batch-norm';
import type { VariableSpec } from '../../engine/variables';
import { LodestoneError } from '../../errors';

const FILTER = /\/filter$/;
const BATCH_NORM = /\/(scale|offset|mean|variance)$/;

/** The variables of the folded network: filters keep their names and shapes, a bias takes batch norm's place. */
export function foldedSpecs(specs: readonly VariableSpec[]): VariableSpec[] {
  return specs.flatMap((spec): VariableSpec[] => {
    if (BATCH_NORM.test(spec.name)) return [];
    if (!FILTER.test(spec.name)) return [spec];
    const bias = { name: spec.name.replace(FILTER, '/bias'), shape: [spec.shape[3]], role: 'trained' } as const;
    return [spec, bias];
  });
}

/**
 * The values of `foldedSpecs`, from those of the network. Others among the values (slots, a head) are left out.
 * Throws CheckpointIncompatible, naming the variable that is missing.
 */
export function fold(
  specs: readonly VariableSpec[],
  values: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const folded = new Map<string, Float32Array>();
  for (const { name } of specs) {
    if (BATCH_NORM.test(name)) continue;
    if (!FILTER.test(name)) {
      folded.set(name, valueOf(values, name));
      continue;
    }
    const layer = name.replace(FILTER, '');
    const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map((part) =>
      valueOf(values, `${layer}/${part}`),
    );
    const factors = Float64Array.from(
      scale,
      (gain, channel) => gain / Math.sqrt(variance[channel] + BATCH_NORM_EPSILON),
    );
    folded.set(name, scaled(valueOf(values, name), factors));
    folded.set(
      `${layer}/bias`,
      Float32Array.from(offset, (shift, channel) => shift - mean[channel] * factors[channel]),
    );
  }
  return folded;
}

/** The last axis of a filter is its output channel. */
function scaled(filter: Float32Array, factors: Float64Array): Float32Array {
  const channels = factors.length;
  const result = new Float32Array(filter.length);
  for (let start = 0; start < filter.length; start += channels) {
    for (let channel = 0; channel < channels; channel++) {
      result[start + channel] = filter[start + channel] * factors[channel];
    }
  }
  return result;
}

function valueOf(values: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw new LodestoneError(
    'CheckpointIncompatible',
    `networks: got no values for ${name}, must have all of the network. Use the network that the values were made with.`,
  );
}
