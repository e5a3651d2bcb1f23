/** Every network under every objective and optimizer: compiled steps against the same steps op by op. */
import type { Objective } from '../../../config/objective';
import type { OptimizerOptions } from '../../../config/recipe';
import { memoryReport } from '../../../engine/memory';
import { VariableSet } from '../../../engine/variables';
import { networkFor } from '../../../learning/networks/network';
import { StepExecutor, type StepMeasures } from '../../../learning/training/executor';
import { phaseSpecs } from '../../../learning/training/plan';
import { trainStep, type StepBatch } from '../../../learning/training/train-step';
import { noise } from '../../engine/support/noise';
import { configFor, objectives } from './toy';

const STEPS = 20;
const CLASSES = 4;
const INPUT = { mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.25, 0.3] };

const networks = [
  { name: 'convnet-4', inputSize: 16, embeddingSize: 8 },
  { name: 'convnet-4', inputSize: 48, embeddingSize: 8 }, // large enough for Winograd's convolutions
  { name: 'googlenet-bn', inputSize: 16, embeddingSize: 8 },
] as const;
const optimizers: readonly OptimizerOptions[] = [
  { type: 'momentum', momentum: 0.9 },
  { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
];
const sized = ({ name, inputSize }: (typeof networks)[number]): string => `${name} of ${inputSize} px`;
const cases = networks.flatMap((network) =>
  Object.values(objectives).flatMap((objective) =>
    optimizers.map(
      (optimizer) => [sized(network), objective.type, optimizer.type, { network, objective, optimizer }] as const,
    ),
  ),
);

/** Of 8 images for Magnet's 4 × 2, 12 for 4 triplets, 8 for softmax: seeded by the step. */
function batchOf(objective: Objective, update: number): StepBatch {
  const [count, classes] = objective.type === 'triplet' ? [12, 0] : objective.type === 'magnet' ? [8, 4] : [8, 8];
  const edge = 21;
  return {
    pixels: Uint8Array.from(noise(count * edge * edge * 3, update), (value) => 127.5 + 127 * value),
    edge,
    channels: 3,
    boxes: Float32Array.from({ length: count * 4 }, (_, i) => (i % 4 < 2 ? 0.02 * (update % 5) : 0.8 + 0.01 * (i % 8))),
    classes: Int32Array.from({ length: classes }, (_, i) => (i + update) % CLASSES),
    learningRate: 0.01 / update, // differs from step to step
    update,
  };
}

function executorOf({ network, objective, optimizer }: (typeof cases)[number][3], compile: boolean): StepExecutor {
  const net = networkFor(network, 3);
  const config = configFor(objective, { network, optimizer });
  const specs = phaseSpecs(config, 'train', net.specs, CLASSES);
  const variables = VariableSet.create(specs, (spec) => net.initial(spec, 5));
  const parts = { network: net, inputSize: network.inputSize, input: INPUT, objective, optimizer };
  return new StepExecutor(variables, trainStep(parts), { compile, precision: 'float32' });
}

/** Names of the values that are not the same bytes. Jest's own comparison takes seconds for millions of numbers. */
function differing(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): string[] {
  const bytes = (values: Float32Array | undefined): Buffer =>
    values === undefined ? Buffer.alloc(0) : Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => !bytes(a.get(name)).equals(bytes(b.get(name))));
}

test.each(cases)(
  `%s, %s, %s: ${STEPS} compiled steps have the losses, weights, slots and statistics of eager ones, bit for bit`,
  (_, __, ___, parts) => {
    const held = memoryReport();
    const [eager, compiled] = [executorOf(parts, false), executorOf(parts, true)];
    const first = eager.read();
    const losses: StepMeasures[] = [];
    for (let update = 1; update <= STEPS; update++) {
      const batch = batchOf(parts.objective, update);
      const expected = eager.run(batch);
      expect(compiled.run(batch)).toEqual(expected);
      losses.push(expected);
      if (update === 1 || update === STEPS) expect(differing(compiled.read(), eager.read())).toEqual([]);
    }
    // control: there was something to compare
    expect(differing(eager.read(), first).length).toBe(first.size);
    expect(new Set(losses.map((one) => one.losses.join())).size).toBe(STEPS);
    expect(losses.every((one) => one.losses.every(Number.isFinite))).toBe(true);
    for (const executor of [eager, compiled]) executor.dispose();
    expect(memoryReport()).toMatchObject({ tensors: held.tensors, nativeTensors: held.nativeTensors });
  },
);
