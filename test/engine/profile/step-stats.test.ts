/** TensorFlow's step statistics read back: messages written by protobufjs after step_stats.proto, and broken ones. */
import protobuf from 'protobufjs';
import { nodeTimes } from '../../../engine/profile/step-stats';
import { wireFields } from '../../../engine/profile/wire';

/** Of config.proto, step_stats.proto, tensor_description.proto and allocation_description.proto: the fields that are read. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message RunMetadata { StepStats step_stats = 1; }
  message StepStats { repeated DeviceStepStats dev_stats = 1; }
  message DeviceStepStats { string device = 1; repeated NodeExecStats node_stats = 2; }
  message NodeExecStats {
    string node_name = 1; int64 all_start_micros = 2; int64 op_start_rel_micros = 3; int64 op_end_rel_micros = 4;
    repeated NodeOutput output = 7; string timeline_label = 8; uint32 thread_id = 10;
    int64 all_start_nanos = 13; int64 op_start_rel_nanos = 14; int64 op_end_rel_nanos = 15;
  }
  message NodeOutput { int32 slot = 1; TensorDescription tensor_description = 3; }
  message TensorDescription { int32 dtype = 1; TensorShape shape = 2; AllocationDescription allocation_description = 4; }
  message TensorShape { repeated Dim dim = 2; }
  message Dim { int64 size = 1; }
  message AllocationDescription { int64 requested_bytes = 1; }
`);
const RunMetadata = root.lookupType('RunMetadata');

const BEGAN = '1790000000123456789'; // beyond what a double holds exactly
const conv = {
  nodeName: 'train/3_Conv2D',
  timelineLabel: 'train/3_Conv2D = Conv2D(a, b)',
  threadId: 77,
  allStartNanos: BEGAN,
  opStartRelNanos: 500,
  opEndRelNanos: 4500,
  output: [
    {
      slot: 0,
      tensorDescription: {
        dtype: 1,
        shape: { dim: [{ size: 8 }, { size: 3 }] },
        allocationDescription: { requestedBytes: 96 },
      },
    },
  ],
};
const later = {
  ...conv,
  nodeName: 'n',
  timelineLabel: 'n = Relu(c)',
  allStartNanos: '1790000000123457789',
  output: [],
};

const metadata = (nodes: readonly object[], ...devices: readonly string[]): Uint8Array => {
  const devStats = (devices.length > 0 ? devices : ['CPU:0']).map((device) => ({
    device: `/job:localhost/replica:0/task:0/device:${device}`,
    nodeStats: nodes,
  }));
  return RunMetadata.encode(RunMetadata.fromObject({ stepStats: { devStats } })).finish();
};

test('times are those of the kernels, exact and counted from the first; op, device, shape and bytes are named', () => {
  expect(nodeTimes(metadata([later, conv]))).toEqual([
    {
      node: 'train/3_Conv2D',
      op: 'Conv2D',
      device: 'CPU:0',
      thread: 77,
      start: 0,
      micros: 4,
      shape: [8, 3],
      bytes: 96,
    },
    { node: 'n', op: 'Relu', device: 'CPU:0', thread: 77, start: 1, micros: 4, shape: null, bytes: 0 },
  ]);
});

test('what ran on a GPU has microseconds, is named by its kernel, and is not counted again for all streams together', () => {
  const kernel = {
    nodeName: 'train/3_Conv2D:Conv2D',
    timelineLabel: 'sm90_xmma_fprop regs:168 shm:0 grid:12',
    allStartMicros: '1790000000123456',
    opStartRelMicros: 0,
    opEndRelMicros: 7,
  };
  expect(nodeTimes(metadata([kernel], 'GPU:0/stream:13', 'GPU:0/stream:all'))).toMatchObject([
    { op: 'sm90_xmma_fprop', device: 'GPU:0/stream:13', start: 0, micros: 7 },
  ]);
});

test('a kernel without a label keeps its name; nothing measured is nothing', () => {
  expect(nodeTimes(metadata([{ ...conv, timelineLabel: '' }]))[0]).toMatchObject({ op: 'train/3_Conv2D' });
  expect(nodeTimes(new Uint8Array(0))).toEqual([]);
});

test('a message that ends too early is an error, not half a table', () => {
  const whole = metadata([conv]);
  expect(() => nodeTimes(whole.subarray(0, whole.length - 1))).toThrow(RangeError);
  expect(() => [...wireFields(Uint8Array.of(0x0b))]).toThrow(/wire type 3/);
});
