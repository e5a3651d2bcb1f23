import { collectGarbage, memoryReport } from '../../engine/memory';
import { runEagerStep } from '../../engine/step';
import { tf } from '../../engine/tf';
import { smallBatch, smallNet, smallStep } from './support/small-net';

function liveHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe.each(['momentum', 'adam'] as const)('a net with every layer under %s', (optimizer) => {
  test('learns, and holds as many tensors after 400 steps as after the first', () => {
    const before = memoryReport(); // other suites of the same process may hold native tensors
    const variables = smallNet(optimizer);
    const step = smallStep(optimizer);
    const lossOf = (seed: number): number => {
      const batch = smallBatch(seed);
      const outputs = runEagerStep(step, variables, batch);
      const [loss] = outputs.loss.dataSync();
      tf.dispose([outputs, batch]);
      return loss;
    };
    const first = lossOf(0);
    const held = memoryReport();
    let last = first;
    for (let i = 1; i <= 100; i++) last = lossOf(i % 3); // three batches, over and over: they can be learnt by heart
    const heap = liveHeap();
    for (let i = 101; i <= 400; i++) last = lossOf(i % 3);
    const after = memoryReport();
    expect(liveHeap() - heap).toBeLessThan(1_000_000); // a batch kept by mistake at each step would be 4 MB
    expect(after.tensors).toBe(held.tensors);
    expect(after.nativeTensors).toBe(held.nativeTensors);
    expect(last).toBeLessThan(first / 2);
    variables.dispose();
    expect(memoryReport()).toMatchObject({ tensors: before.tensors, nativeTensors: before.nativeTensors });
  });
});

test('a step that throws leaves no tensor behind, and the variables usable', () => {
  const variables = smallNet('momentum');
  const batch = smallBatch(0);
  const before = variables.read();
  variables.forgetReads();
  const held = memoryReport().tensors;
  const failing = () => runEagerStep(smallStep('momentum'), variables, { ...batch, x: tf.zeros([1]) });
  expect(failing).toThrow();
  variables.forgetReads();
  expect(memoryReport().tensors - 1).toBe(held); // the wrong input itself
  expect(variables.read()).toEqual(before);
  tf.disposeVariables();
});
