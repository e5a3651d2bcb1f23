/**
 * Our forward pass in a process of its own, for `forward.bench.ts`: arguments are the case and the variant. Says how far
 * its embeddings are from the eager float32 ones.
 */
import { uploadBytes } from '../../engine/native';
import { chooseKernels } from '../../engine/kernels';
import { tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';
import { networkFor } from '../../learning/networks/network';
import type { Execution } from '../../learning/training/executor';
import { ForwardPass, type Forward, type ForwardShape } from '../../learning/training/forward';
import { caseNamed, edgeOf, forwardCases, noisyBytes } from './cases';
import { medianStep, serveTurns } from './interleave';

const executions: Readonly<Record<string, Execution & { readonly kernels: 'proven' | 'stock' }>> = {
  compiled: { compile: true, precision: 'float32', kernels: 'proven' },
  bf16: { compile: true, precision: 'bf16', kernels: 'proven' },
  eager: { compile: false, precision: 'float32', kernels: 'proven' },
};

const [caseName, variant] = process.argv.slice(2);

serveTurns(() => {
  const one = caseNamed(forwardCases, caseName);
  const { inputSize } = one.network;
  const edge = edgeOf(inputSize);
  const network = networkFor(one.network, 3);
  const execution = executions[variant];
  chooseKernels(execution.kernels);
  const variables = VariableSet.create(network.specs, (spec) => network.initial(spec, 1));
  const shape: ForwardShape = {
    batch: one.images,
    edge,
    channels: 3,
    inputSize,
    input: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
  };
  const holder = { read: () => variables.read(), present: () => variables };
  const pixels = noisyBytes(one.images * edge * edge * 3);
  const boxes = Array.from({ length: one.images }, () => [0.1, 0.1, 0.9, 0.9]);
  const embed = (forward: Forward): Float32Array =>
    tf.tidy(() =>
      forward(uploadBytes(pixels, [one.images, edge, edge, 3]), tf.tensor2d(boxes))
        .dataSync<'float32'>()
        .slice(),
    );
  const forward = new ForwardPass(network, execution).by(holder, shape);
  // Two images are enough to compare by, and leave the peak of memory to what is measured.
  const few = (pass: ForwardPass): Float32Array => {
    const two = pass.by(holder, { ...shape, batch: 2 });
    return tf.tidy(() =>
      two(uploadBytes(pixels.subarray(0, 2 * edge * edge * 3), [2, edge, edge, 3]), tf.tensor2d(boxes.slice(0, 2)))
        .dataSync<'float32'>()
        .slice(),
    );
  };
  const eager = new ForwardPass(network, { compile: false, precision: 'float32' });
  const apart = deviation(few(new ForwardPass(network, execution)), few(eager));
  return {
    note: `largest deviation from eager float32: ${apart === 0 ? '0' : apart.toExponential(1)} of the largest component`,
    turn: () =>
      medianStep(one.steps, () => {
        embed(forward);
      }),
  };
});

function deviation(a: Float32Array, b: Float32Array): number {
  let [apart, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    apart = Math.max(apart, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return apart / largest;
}
