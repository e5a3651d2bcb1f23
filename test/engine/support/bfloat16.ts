/** Tensors of bfloat16 in tests: tfjs has no name for it, so they go by that of uint8 and are read after a cast. */
import { TF_BFLOAT16 } from '../../../engine/compile/bf16';
import { attribute, binding, nativeId, tensorOf, type Attribute } from '../../../engine/native';
import type { tf } from '../../../engine/tf';

/** Runs an op whose outputs may be bfloat16. */
export function runNarrow(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const native = binding();
  const results = native.executeOp(op, attributes, inputs.map(nativeId), outputs);
  return results.map((result) =>
    tensorOf(result.dtype === TF_BFLOAT16 ? { ...result, dtype: native.TF_UINT8 } : result),
  );
}

/** @param from TF_DataType of the tensor; @param to the one wanted */
export function cast(x: tf.Tensor, from: number, to: number): tf.Tensor {
  if (from === to) return x;
  const types = [attribute.type('SrcT', from), attribute.type('DstT', to), attribute.bool('Truncate', false)];
  return runNarrow('Cast', types, [x], 1)[0];
}
