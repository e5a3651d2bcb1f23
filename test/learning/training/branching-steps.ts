/**
 * Prints the digest of all variables after compiled steps of the network that branches, by the kernels and in the
 * precision that the environment asks for.
 */
import { createHash } from 'node:crypto';
import { chooseKernels } from '../../../engine/kernels';
import { VariableSet } from '../../../engine/variables';
import { networkFor } from '../../../learning/networks/network';
import { StepExecutor } from '../../../learning/training/executor';
import { phaseSpecs } from '../../../learning/training/plan';
import { trainStep } from '../../../learning/training/train-step';
import { noise } from '../../engine/support/noise';
import { configFor, objectives } from './toy';

const STEPS = 6;
const IMAGES = 8;
const SIDE = 48;

chooseKernels(process.env.KERNELS === 'stock' ? 'stock' : 'proven');
const objective = objectives.magnet;
const config = configFor(objective, { network: { name: 'googlenet-bn', inputSize: SIDE, embeddingSize: 16 } });
const network = networkFor(config.network, 3);
const specs = phaseSpecs(config, 'train', network.specs, 4);
const variables = VariableSet.create(specs, (spec) => network.initial(spec, 1));
const input = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
const step = trainStep({ network, inputSize: SIDE, input, objective, optimizer: config.optimizer });
const executor = new StepExecutor(variables, step, { compile: true, precision: 'float32' });
for (let update = 1; update <= STEPS; update++) {
  executor.run({
    pixels: Uint8Array.from(noise(IMAGES * SIDE * SIDE * 3, update), (value) => 128 + 40 * value),
    edge: SIDE,
    channels: 3,
    boxes: Float32Array.from({ length: 4 * IMAGES }, (_, i) => (i % 4 < 2 ? 0.1 : 0.9)),
    classes: Int32Array.of(0, 0, 1, 1),
    learningRate: 0.01,
    update,
  });
}
const hash = createHash('sha256');
for (const [name, values] of executor.read()) hash.update(name).update(new Uint8Array(values.buffer));
console.log(JSON.stringify(hash.digest('hex')));
