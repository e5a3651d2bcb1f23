/**
 * Our bytes, decoded by the protobuf classes that tfjs-node ships (generated from TensorFlow's own .proto files).
 */
import { savedModel, type GraphNode } from '../../../engine/compile/protobuf';

interface Decoded {
  readonly savedModelSchemaVersion: number;
  readonly metaGraphsList: readonly {
    readonly metaInfoDef: { readonly tagsList: readonly string[] };
    readonly graphDef: { readonly versions: { readonly producer: number }; readonly nodeList: readonly DecodedNode[] };
  }[];
}
interface DecodedNode {
  readonly name: string;
  readonly op: string;
  readonly inputList: readonly string[];
  readonly attrMap: readonly (readonly [string, Record<string, unknown>])[];
}

// eslint-disable-next-line @typescript-eslint/no-require-imports -- has no types
const messages = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as {
  SavedModel: { deserializeBinary(bytes: Uint8Array): { toObject(): Decoded } };
};

const node: GraphNode = {
  name: 'step/1_Op',
  op: 'Op',
  inputs: ['a', 'b:1', '^c'],
  attributes: {
    T: { type: 'type', value: 1 },
    shape: { type: 'shape', value: [3, 0, 70_000] },
    padding: { type: 'string', value: 'SAME' },
    yes: { type: 'bool', value: true },
    no: { type: 'bool', value: false },
    epsilon: { type: 'float', value: 0.125 },
    negative: { type: 'int', value: -1 },
    big: { type: 'int', value: 2 ** 40 },
    ksize: { type: 'ints', value: [1, 3, 300, 1] },
    scales: { type: 'floats', value: [0.5, -2] },
    flags: { type: 'bools', value: [true, false] },
    value: { type: 'tensor', value: { dtype: 1, shape: [2], bytes: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 192) } },
  },
};

test('every kind of attribute is decoded as it was given', () => {
  const decoded = messages.SavedModel.deserializeBinary(savedModel([node, { ...node, name: 'second' }])).toObject();
  expect(decoded.savedModelSchemaVersion).toBe(1);
  const [{ metaInfoDef, graphDef }] = decoded.metaGraphsList;
  expect(metaInfoDef.tagsList).toEqual(['serve']);
  expect(graphDef.versions.producer).toBe(1087);
  expect(graphDef.nodeList.map(({ name }) => name)).toEqual(['step/1_Op', 'second']);
  const [{ op, inputList, attrMap }] = graphDef.nodeList;
  expect({ op, inputList }).toEqual({ op: 'Op', inputList: ['a', 'b:1', '^c'] });

  const attributes = Object.fromEntries(attrMap);
  expect(attributes).toMatchObject({
    T: { type: 1 },
    shape: { shape: { dimList: [{ size: 3 }, { size: 0 }, { size: 70_000 }] } },
    padding: { s: Buffer.from('SAME').toString('base64') },
    yes: { b: true },
    no: { b: false },
    epsilon: { f: 0.125 },
    negative: { i: -1 },
    big: { i: 2 ** 40 },
    ksize: { list: { iList: [1, 3, 300, 1] } },
    scales: { list: { fList: [0.5, -2] } },
    flags: { list: { bList: [true, false] } },
    value: {
      tensor: {
        dtype: 1,
        tensorShape: { dimList: [{ size: 2 }] },
        tensorContent: Buffer.of(0, 0, 128, 63, 0, 0, 0, 192).toString('base64'),
      },
    },
  });
});

test('the same nodes give the same bytes', () => {
  expect(Buffer.compare(savedModel([node]), savedModel([{ ...node }]))).toBe(0);
});
