/**
 * Batch normalisation of a training batch and the rectifier behind it, in parts: fused (one op of our own each way, CPUs
 * only, engine/cpu/norm-relu.cc) and composed of the ops for each.
 */
import { requireOps } from '../cpu/ops-addon';
import { partsWithGradient } from '../custom-gradient';
import { attribute, binding, runOp } from '../native';
import { tf } from '../tf';
import { BATCH_NORM_EPSILON, type BatchNorm, type BatchNormInput } from './batch-norm';
import type { Relu } from './relu';

/**
 * @param widths channels of each part, together C
 * @returns max(batch norm, 0), cut along the channels; for `updated` see BatchNorm
 */
export type NormRelu = (
  input: BatchNormInput,
  widths: readonly number[],
  updated: (mean: tf.Tensor, variance: tf.Tensor) => void,
) => tf.Tensor4D[];

export const fusedNormRelu: NormRelu = (
  { x, scale, offset, movingMean, movingVariance, momentum },
  widths,
  updated,
) => {
  requireOps(binding().isUsingGpuDevice());
  const attributes = [attribute.float32('T'), attribute.int('parts', widths.length), attribute.int('widths', widths)];
  const forwardAttributes = [
    ...attributes,
    attribute.float('epsilon', BATCH_NORM_EPSILON),
    attribute.float('momentum', momentum),
  ];
  return partsWithGradient(
    [x, scale, offset],
    ([input, gain, shift]) => {
      const inputs = [input, gain, shift, movingMean, movingVariance];
      const outputs = runOp('LodestoneNormRelu', forwardAttributes, inputs, widths.length + 4);
      const [newMean, newVariance, ...moments] = outputs.slice(widths.length);
      updated(newMean, newVariance);
      return { parts: outputs.slice(0, widths.length), saved: [input, gain, shift, ...moments] };
    },
    (dys, [input, ...saved]) => runOp('LodestoneNormReluGrad', attributes, [input, ...dys, ...saved], 3),
  ) as tf.Tensor4D[];
};

/** Of three ops. */
export function composedNormRelu(batchNorm: BatchNorm, relu: Relu): NormRelu {
  return (input, widths, updated) => {
    const y = relu(batchNorm(input, updated)) as tf.Tensor4D;
    return widths.length === 1 ? [y] : tf.split(y, [...widths], 3);
  };
}
