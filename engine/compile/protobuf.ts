/**
 * A SavedModel in TensorFlow's wire format: nodes with attributes in, bytes out. Field numbers are those of
 * node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto, meta_graph.proto and saved_model.proto.
 * Deterministic: the same nodes give the same bytes. Knows the format; does not know what is computed.
 */
import { assertNever } from '../../errors';
import type { TensorKind } from './trace';

export type AttributeValue =
  | { readonly type: 'type'; readonly value: number }
  | { readonly type: 'shape'; readonly value: readonly number[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'bools'; readonly value: readonly boolean[] }
  | { readonly type: 'tensor'; readonly value: TensorKind & { readonly bytes: Uint8Array } };

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:output`, or `^node` for order alone; the latter come last. */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** The GraphDef version of TensorFlow 2.21: ops behave as that version defines them. */
const PRODUCER = 1087;

/** @returns the content of `saved_model.pb`, with the one tag `serve` */
export function savedModel(nodes: readonly GraphNode[]): Uint8Array {
  const graph = [...nodes.map((node) => message(1, nodeDef(node))), message(4, [varintField(1, PRODUCER)])];
  const metaGraph = [message(1, [text(4, 'serve')]), message(2, graph)];
  return Buffer.concat([varintField(1, 1), message(2, metaGraph)]);
}

function nodeDef({ name, op, inputs, attributes }: GraphNode): Uint8Array[] {
  return [
    text(1, name),
    text(2, op),
    ...inputs.map((input) => text(3, input)),
    ...Object.entries(attributes).map(([key, value]) => message(5, [text(1, key), message(2, attrValue(value))])),
  ];
}

function attrValue(attribute: AttributeValue): Uint8Array[] {
  switch (attribute.type) {
    case 'string':
      return [text(2, attribute.value)];
    case 'int':
      return [varintField(3, attribute.value)];
    case 'float':
      return [key(4, 5), floats([attribute.value])];
    case 'bool':
      return [varintField(5, attribute.value ? 1 : 0)];
    case 'type':
      return [varintField(6, attribute.value)];
    case 'shape':
      return [message(7, tensorShape(attribute.value))];
    case 'tensor':
      return [message(8, tensor(attribute.value))];
    case 'ints':
      return [message(1, [message(3, attribute.value.map(varint))])];
    case 'floats':
      return [message(1, [message(4, [floats(attribute.value)])])];
    case 'bools':
      return [
        message(1, [
          message(
            5,
            attribute.value.map((value) => varint(value ? 1 : 0)),
          ),
        ]),
      ];
    default:
      return assertNever(attribute);
  }
}

function tensor({ shape, dtype, bytes }: TensorKind & { readonly bytes: Uint8Array }): Uint8Array[] {
  return [varintField(1, dtype), message(2, tensorShape(shape)), message(4, [bytes])];
}

function tensorShape(shape: readonly number[]): Uint8Array[] {
  return shape.map((dimension) => message(2, [varintField(1, dimension)]));
}

function text(field: number, value: string): Uint8Array {
  return message(field, [Buffer.from(value, 'utf8')]);
}

function message(field: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([key(field, 2), varint(length), ...parts]);
}

function varintField(field: number, value: number): Uint8Array {
  return Buffer.concat([key(field, 0), varint(value)]);
}

function key(field: number, wireType: number): Uint8Array {
  return varint(field * 8 + wireType);
}

/** Base 128, low group first; a negative int64 as its two's complement in ten bytes. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Uint8Array.of(...bytes, Number(rest));
}

function floats(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeFloatLE(value, 4 * i));
  return bytes;
}
