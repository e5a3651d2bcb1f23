/**
 * How a batch enters a compiled step. On a CPU a session takes the addon's tensors as they are. On a GPU the addon keeps all
 * tensors but those of int32 on the device, and a session would first copy each back, one after the other, to hand it on to
 * the same device. There, floats and bytes travel as int32, and the graph reads them as what they are.
 * Both sides of it are here: the nodes, and the tensor that a run feeds. The bits are the same either way.
 */
import { binding, nativeId, valuesOf } from '../native';
import type { tf } from '../tf';
import type { GraphBuilder } from './graph';
import type { AttributeValue } from './protobuf';
import type { TensorKind } from './trace';

/** What a run hands to the session. */
export interface Feed {
  /** Handle in the addon. */
  readonly id: number;
  /** Whether it was made for this run, whose end deletes it. */
  readonly isOwn: boolean;
}

/** Adds the placeholder `feed` and, under the name `input`, the tensor that the step reads. */
export function emitFeed(graph: GraphBuilder, feed: string, input: string, kind: TensorKind): void {
  const placeholder = (name: string, { dtype, shape }: TensorKind): string =>
    graph.add(name, 'Placeholder', [], { dtype: typeOf(dtype), shape: { type: 'shape', value: shape } });
  if (!travelsAsInt32(kind)) {
    graph.add(input, 'Identity', [placeholder(feed, kind)], { T: typeOf(kind.dtype) });
    return;
  }
  const int32 = binding().TF_INT32;
  const numbers = (values: readonly number[]): string => {
    const bytes = new Uint8Array(Int32Array.from(values).buffer);
    return graph.constant({ shape: [values.length], dtype: int32, bytes, uniform: false });
  };
  const T = typeOf(kind.dtype);
  placeholder(feed, { dtype: int32, shape: [wordsOf(kind)] });
  graph.add(`${feed}/typed`, 'Bitcast', [feed], { T: typeOf(int32), type: T });
  graph.add(`${feed}/flat`, 'Reshape', [`${feed}/typed`, numbers([-1])], { T, Tshape: typeOf(int32) });
  graph.add(`${feed}/whole`, 'Slice', [`${feed}/flat`, numbers([0]), numbers([elementsOf(kind)])], {
    T,
    Index: typeOf(int32),
  });
  graph.add(input, 'Reshape', [`${feed}/whole`, numbers(kind.shape)], { T, Tshape: typeOf(int32) });
}

/** The tensor to feed for a placeholder of `emitFeed`. @param tensor of that kind */
export function feedOf(kind: TensorKind, tensor: tf.Tensor): Feed {
  if (!travelsAsInt32(kind)) return { id: nativeId(tensor), isOwn: false };
  const words = asWords(valuesOf(tensor), wordsOf(kind));
  return { id: binding().createTensor([words.length], binding().TF_INT32, words), isOwn: true };
}

/** The same memory where it can be read as int32, else a copy with zeros behind it. */
function asWords({ buffer, byteOffset, byteLength }: ArrayBufferView, length: number): Int32Array {
  if (byteOffset % 4 === 0 && byteLength === 4 * length) return new Int32Array(buffer, byteOffset, length);
  const words = new Int32Array(length);
  new Uint8Array(words.buffer).set(new Uint8Array(buffer, byteOffset, byteLength));
  return words;
}

function travelsAsInt32({ dtype }: TensorKind): boolean {
  const { TF_FLOAT, TF_UINT8 } = binding();
  return binding().isUsingGpuDevice() && (dtype === TF_FLOAT || dtype === TF_UINT8);
}

function wordsOf(kind: TensorKind): number {
  return kind.dtype === binding().TF_UINT8 ? Math.ceil(elementsOf(kind) / 4) : elementsOf(kind);
}

function elementsOf({ shape }: TensorKind): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

function typeOf(dtype: number): AttributeValue {
  return { type: 'type', value: dtype };
}
