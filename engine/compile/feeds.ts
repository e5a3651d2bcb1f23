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

/** The placeholder that a run feeds for an input. @param input the name that the step reads */
export function feedNode(input: string, kind: TensorKind): string {
  return travelsAsInt32(kind) ? `${input}/words` : input;
}

/** Adds that placeholder and, where it is another, the tensor `input`. */
export function emitFeed(graph: GraphBuilder, input: string, kind: TensorKind): void {
  const feed = feedNode(input, kind);
  const placeholder = (dtype: number, shape: readonly number[]): string =>
    graph.add(feed, 'Placeholder', [], { dtype: typeOf(dtype), shape: { type: 'shape', value: shape } });
  if (feed === input) {
    placeholder(kind.dtype, kind.shape);
    return;
  }
  const int32 = binding().TF_INT32;
  const numbers = (values: readonly number[]): string => {
    const bytes = new Uint8Array(Int32Array.from(values).buffer);
    return graph.constant({ shape: [values.length], dtype: int32, bytes, uniform: false });
  };
  const T = typeOf(kind.dtype);
  const [Tshape, Index] = [typeOf(int32), typeOf(int32)];
  placeholder(int32, [wordsOf(kind)]);
  const typed = graph.add(`${input}/typed`, 'Bitcast', [feed], { T: typeOf(int32), type: T });
  const flat = graph.add(`${input}/flat`, 'Reshape', [typed, numbers([-1])], { T, Tshape });
  const whole = graph.add(`${input}/whole`, 'Slice', [flat, numbers([0]), numbers([elementsOf(kind)])], { T, Index });
  graph.add(input, 'Reshape', [whole, numbers(kind.shape)], { T, Tshape });
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
