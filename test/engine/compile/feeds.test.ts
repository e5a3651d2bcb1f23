/** How a batch reaches a session on a GPU: as int32, read as what it is. On a device that is played: no test machine has one. */
import { cropResizeTensors } from '../../../engine/augment';
import { emitFeed, feedNode, feedOf } from '../../../engine/compile/feeds';
import { GraphBuilder } from '../../../engine/compile/graph';
import { Program } from '../../../engine/compile/program';
import { binding, uploadBytes, withBinding } from '../../../engine/native';
import { runEagerStep, type Step } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { smallBatch, smallNet, smallStep } from '../support/small-net';

const onGpu = <T>(run: () => T): T => withBinding({ isUsingGpuDevice: () => true }, run);

afterEach(() => expect(tf.memory().numTensors).toBe(0));

test('20 steps fed as on a GPU give the bits of 20 eager ones, and leave no tensor', () => {
  const variables = smallNet('momentum');
  const step = smallStep('momentum');
  const example = smallBatch(99);
  onGpu(() => {
    const program = Program.compile(variables, { train: { step, example } });
    const before = binding().getNumOfTensors();
    for (let i = 0; i < 20; i++) {
      const batch = smallBatch(i);
      const [fed, eager] = [program.run('train', batch), runEagerStep(step, variables, batch)];
      expect(Object.values(fed).map((tensor) => [...tensor.dataSync()])).toEqual(
        Object.values(eager).map((tensor) => [...tensor.dataSync()]),
      );
      tf.dispose([batch, fed, eager]);
    }
    expect(program.read()).toEqual(variables.read());
    expect(binding().getNumOfTensors()).toBe(before);
    program.dispose();
  });
  tf.dispose(example);
  variables.dispose();
});

test('bytes that fill no whole word arrive, from JavaScript and from the device; floats keep their bits, NaN too', () => {
  const variables = VariableSet.create([{ name: 'unused', shape: [1], role: 'statistic' }], () => new Float32Array(1));
  const crop: Step = (_, { images, boxes, odd }) => ({
    crops: cropResizeTensors(images, boxes as tf.Tensor2D, 3, { mean: [0], deviation: [1 / 255] }),
    odd: odd.neg().neg(),
  });
  const pixels = Uint8Array.from({ length: 9 }, (_, i) => 28 * i); // 9 bytes: two words and a quarter
  const odd = Float32Array.of(NaN, -0, 1e-42, Infinity, 0.1);
  const batch = () => ({
    images: uploadBytes(pixels, [1, 3, 3, 1]),
    boxes: tf.tensor2d([[0, 0, 1, 1]]),
    odd: tf.tensor1d(odd),
  });
  onGpu(() => {
    const example = batch();
    const program = Program.compile(variables, { crop: { step: crop, example } });
    const fresh = batch();
    for (const given of [fresh, example]) {
      const { crops, odd: back } = program.run('crop', given); // the example was uploaded when it was traced
      expect([...crops.dataSync()].map(Math.round)).toEqual([...pixels]);
      expect(Buffer.from(back.dataSync<'float32'>().buffer)).toEqual(Buffer.from(odd.buffer));
      tf.dispose([crops, back]);
    }
    tf.dispose([example, fresh]);
    program.dispose();
  });
  variables.dispose();
});

test('on a CPU the tensor itself is fed, and classes are on a GPU too', () => {
  const [floats, classes] = [tf.tensor1d([1, 2]), tf.tensor1d([1, 2], 'int32')];
  const kinds = {
    floats: { shape: [2], dtype: binding().TF_FLOAT },
    classes: { shape: [2], dtype: binding().TF_INT32 },
  };
  expect(feedOf(kinds.floats, floats).isOwn).toBe(false);
  expect(onGpu(() => feedOf(kinds.classes, classes)).isOwn).toBe(false);
  const own = onGpu(() => feedOf(kinds.floats, floats));
  expect(own.isOwn).toBe(true);
  binding().deleteTensor(own.id);
  tf.dispose([floats, classes]);

  const graph = new GraphBuilder();
  emitFeed(graph, 'input', kinds.floats);
  expect(graph.size).toBe(1);
  expect(feedNode('input', kinds.floats)).toBe('input');
});
