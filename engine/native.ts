/**
 * Native ops by name: what tfjs has no kernel for (fused batch norm, resource variables, uint8 images).
 * This is the native boundary: the casts to the addon's untyped interface are here and nowhere else.
 * Does not know what an op computes; `implementations/` does.
 */
import { tf } from './tf';

/** An attribute of a native op, as the binding wants it. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of the addon that the engine calls. */
export interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayBufferView;
  executeOp(
    op: string,
    attributes: readonly Attribute[],
    inputIds: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(model: number): void;
  runSavedModel(model: number, inputIds: readonly number[], inputNames: string, outputNames: string): TensorMetadata[];
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_UINT8: number;
  readonly TF_BOOL: number;
  readonly TF_RESOURCE: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
}

interface NativeBackend {
  binding: Binding;
  readonly tensorMap: { get(dataId: object): { dtype: number; readonly values: ArrayBufferView | null } };
  write(values: ArrayBufferView, shape: readonly number[], dtype: 'int32'): object;
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  executeMultipleOutputs(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

function backend(): NativeBackend {
  return tf.backend() as unknown as NativeBackend;
}

export function binding(): Binding {
  return backend().binding;
}

/** Runs one native op now, on the calling thread. The outputs belong to the caller (or the enclosing tidy). */
export function runOp(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.TensorInfo[],
  outputs: number,
): tf.Tensor[] {
  return backend().executeMultipleOutputs(op, attributes, inputs, outputs);
}

/** Runs a native op that has exactly one output. */
export function runOneOutput(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.TensorInfo[],
): tf.Tensor {
  return runOp(op, attributes, inputs, 1)[0];
}

/**
 * Runs a native op whose one output has a type that tfjs has no name for, such as bfloat16; tfjs calls it int32. Only for
 * native ops that are told the type, never for reading.
 */
export function runUnnamedOutput(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.TensorInfo[],
): tf.Tensor {
  const [output] = binding().executeOp(op, attributes, backend().getInputTensorIds(inputs), 1);
  return backend().createOutputTensor({ ...output, dtype: binding().TF_UINT8 });
}

/**
 * Bytes as a native uint8 tensor, a quarter of the size of float32. tfjs has no uint8 and calls it int32: hand it to native
 * ops that take uint8 only. They are uploaded when an op first uses them, as tfjs does: leave them alone until then.
 */
export function uploadBytes(bytes: Uint8Array, shape: readonly number[]): tf.Tensor {
  const dataId = backend().write(bytes, shape, 'int32');
  backend().tensorMap.get(dataId).dtype = binding().TF_UINT8;
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...shape], dtype: 'int32' });
}

/** The tensor's elements as they lie in memory, from where they are: JavaScript, or else the device. Not a copy. */
export function valuesOf(tensor: tf.TensorInfo): ArrayBufferView {
  const held = backend().tensorMap.get(tensor.dataId).values;
  if (held !== null) return held;
  const { TF_UINT8, TF_INT32 } = binding();
  if (nativeType(tensor) !== TF_UINT8) return binding().tensorDataSync(nativeId(tensor));
  const types = [attribute.type('SrcT', TF_UINT8), attribute.type('DstT', TF_INT32), attribute.bool('Truncate', false)];
  const wide = runOneOutput('Cast', types, [tensor]); // the addon reads no bytes
  const bytes = Uint8Array.from(wide.dataSync<'int32'>());
  wide.dispose();
  return bytes;
}

/** The tensor's handle in the addon, uploading its values if that has not happened yet. Clones share one id. */
export function nativeId(tensor: tf.TensorInfo): number {
  return backend().getInputTensorIds([tensor])[0];
}

/** TensorFlow's type of the tensor, which tells uint8 from int32. */
export function nativeType(tensor: tf.TensorInfo): number {
  return backend().tensorMap.get(tensor.dataId).dtype;
}

/** A tensor for a handle that a direct call of the binding returned; the enclosing tidy owns it. */
export function tensorOf(metadata: TensorMetadata): tf.Tensor {
  return backend().createOutputTensor(metadata);
}

/** Lets `overrides` answer in place of the binding while `run` runs: how a step is recorded. */
export function withBinding<T>(overrides: Partial<Binding>, run: () => T): T {
  const restore = overrideBinding(overrides);
  try {
    return run();
  } finally {
    restore();
  }
}

/** Lets `overrides` answer in place of the binding until what it returns is called. */
export function overrideBinding(overrides: Partial<Binding>): () => void {
  const original = backend().binding;
  // The addon's properties are read-only, and assignments to them are ignored: a child object shadows them.
  const descriptors = Object.entries(overrides).map(([name, value]) => [name, { value }] as const);
  backend().binding = Object.create(original, Object.fromEntries(descriptors)) as Binding;
  return () => {
    backend().binding = original;
  };
}

/** Builders of op attributes. */
export const attribute = {
  float32: (name: string): Attribute => ({ name, type: binding().TF_ATTR_TYPE, value: binding().TF_FLOAT }),
  type: (name: string, value: number): Attribute => ({ name, type: binding().TF_ATTR_TYPE, value }),
  int: (name: string, value: number | readonly number[]): Attribute => ({
    name,
    type: binding().TF_ATTR_INT,
    value,
  }),
  float: (name: string, value: number): Attribute => ({ name, type: binding().TF_ATTR_FLOAT, value }),
  bool: (name: string, value: boolean): Attribute => ({ name, type: binding().TF_ATTR_BOOL, value }),
  string: (name: string, value: string): Attribute => ({ name, type: binding().TF_ATTR_STRING, value }),
  shape: (name: string, value: readonly number[]): Attribute => ({ name, type: binding().TF_ATTR_SHAPE, value }),
};
