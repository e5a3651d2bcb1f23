/**
 * Our forward pass in a process of its own, for `forward.bench.ts`: arguments are the case and the variant. Either the
 * network alone on a float tensor that is ready, as the peers run theirs, or as a refresh runs it, from stored bytes on.
 * Says how far its embeddings are from the eager float32 ones.
 */
import type { Precision } from '../../engine/compile/bf16';
import { Program } from '../../engine/compile/program';
import { fingerprint } from '../../engine/fingerprint';
import { chooseKernels } from '../../engine/kernels';
import { inHalves } from '../../engine/halves';
import { uploadBytes } from '../../engine/native';
import { dataOf, tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';
import { fold, foldedSpecs } from '../../learning/networks/fold';
import { networkFor, type Network } from '../../learning/networks/network';
import { ForwardPass } from '../../learning/training/forward';
import { caseNamed, edgeOf, forwardCases, noisyBytes, type Case } from './cases';
import { requireDevice } from './device';
import { medianStep, serveTurns } from './interleave';

type Run = () => tf.Tensor;

/** What is timed, and what its first embeddings are compared with: the same images op by op, few, for memory's sake. */
interface Work {
  readonly run: Run;
  readonly reference: Run;
}

const works: Readonly<Record<string, (one: Case, network: Network, variables: VariableSet) => Work>> = {
  compiled: (...given) => networkAlone('float32', ...given),
  bf16: (...given) => networkAlone('bf16', ...given),
  eager: (one, network, variables) => {
    const x = readyImages(one);
    const run: Run = () => tf.tidy(() => network.forward(variables, x, 'inference'));
    return { run, reference: run };
  },
  'from-bytes': (...given) => fromBytes('float32', ...given),
  'from-bytes-bf16': (...given) => fromBytes('bf16', ...given),
};

/** Images whose embeddings are compared. */
const COMPARED = 2;

const [caseName, variant, device] = process.argv.slice(2);

serveTurns(() => {
  const one = caseNamed(forwardCases, caseName);
  const network = networkFor(one.network, 3);
  requireDevice(device);
  chooseKernels('proven');
  const variables = VariableSet.create(network.specs, (spec) => network.initial(spec, 1));
  const { run, reference } = works[variant](one, network, variables);
  const turn = (): Promise<number> => medianStep(one.steps, () => void dataOf(run));
  const apart = variant === 'eager' ? 0 : deviation(dataOf(run), dataOf(reference));
  return {
    note: `${fingerprint().device}; largest deviation from op by op in float32: ${apart.toExponential(1)} of the largest component`,
    turn,
  };
});

function readyImages({ images, network: { inputSize } }: Case): tf.Tensor4D {
  return tf.randomUniform<tf.Rank.R4>([images, inputSize, inputSize, 3], -1, 1, 'float32', 7);
}

function networkAlone(precision: Precision, one: Case, network: Network, variables: VariableSet): Work {
  const x = readyImages(one);
  const folded = fold(network.specs, variables.read());
  const weights = VariableSet.create(foldedSpecs(network.specs), ({ name }) => folded.get(name) as Float32Array);
  const step = inHalves((set, batch) => ({ embeddings: network.forward(set, batch.x as tf.Tensor4D, 'folded') }));
  const program = Program.compile(weights, { embed: { step, example: { x } } }, precision);
  weights.dispose();
  return {
    run: () => program.run('embed', { x }).embeddings,
    reference: () => tf.tidy(() => network.forward(variables, x.slice(0, COMPARED), 'inference')),
  };
}

function fromBytes(precision: Precision, one: Case, network: Network, variables: VariableSet): Work {
  const { inputSize } = one.network;
  const edge = edgeOf(inputSize);
  const input = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
  const pixels = noisyBytes(one.images * edge * edge * 3);
  const holder = { read: () => variables.read(), present: () => variables };
  const by = (pass: ForwardPass, images: number): Run => {
    const forward = pass.by(holder, { batch: images, edge, channels: 3, inputSize, input });
    const bytes = pixels.subarray(0, images * edge * edge * 3);
    const boxes = Array.from({ length: images }, () => [0.1, 0.1, 0.9, 0.9]);
    return () => tf.tidy(() => forward(uploadBytes(bytes, [images, edge, edge, 3]), tf.tensor2d(boxes, [images, 4])));
  };
  return {
    run: by(new ForwardPass(network, { compile: true, precision }), one.images),
    reference: by(new ForwardPass(network, { compile: false, precision: 'float32' }), COMPARED),
  };
}

/** Of the first rows, as many as `b` has. */
function deviation(a: Float32Array, b: Float32Array): number {
  let [apart, largest] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart = Math.max(apart, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return apart / largest;
}
