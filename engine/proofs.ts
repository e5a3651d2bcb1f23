/**
 * The proofs that a fused kernel computes what its stock counterpart computes, on small inputs, forward and backward.
 * Seeded inputs without ties at which both may rightly differ. Leaves no tensor behind.
 */
import { fusedBatchNorm, stockBatchNorm, type BatchNorm, type BatchNormInput } from './implementations/batch-norm';
import { fusedCropResize, stockCropResize, type CropResize } from './implementations/crop-resize';
import { fusedMaxPool, stockMaxPool, type MaxPool } from './implementations/max-pool';
import { fusedAdam, fusedMomentum, stockAdam, stockMomentum } from './implementations/optimizers';
import type { AdamUpdate, MomentumUpdate } from './implementations/optimizers';
import { composedNormRelu, fusedNormRelu, type NormRelu } from './implementations/norm-relu';
import { fusedPointwise, stockPointwise, type Pointwise } from './implementations/pointwise';
import { fusedRelu, stockRelu, type Relu } from './implementations/relu';
import { stockConvolve, winograd, type Convolve } from './implementations/winograd';
import type { KernelOp } from './kernels';
import { binding, uploadBytes } from './native';
import { tf } from './tf';
import { VariableSet, type VariableSpec } from './variables';

export interface Verdict {
  readonly equal: boolean;
  readonly why: string;
}

/**
 * The largest difference allowed, relative to the largest magnitude of the compared array. Both sides round in float32
 * (2⁻²⁴) and sum some hundred terms in another order, and Winograd's transforms cost up to 10⁻⁵ of it; a wrong formula is
 * off by 10⁻² and more.
 */
const TOLERANCE = 2e-5;

/** Each compares the arrays that fused and stock give. Throws where the fused op does not exist on this device. */
export const proofs: Readonly<Record<KernelOp, () => Verdict>> = {
  batchNorm: () => compare(batchNormResults(fusedBatchNorm), batchNormResults(stockBatchNorm)),
  relu: () => compare(reluResults(fusedRelu), reluResults(stockRelu)),
  normRelu: () => compare(normReluResults(fusedNormRelu), normReluResults(composedNormRelu(stockBatchNorm, stockRelu))),
  maxPool: () => compare(maxPoolResults(fusedMaxPool), maxPoolResults(stockMaxPool)),
  pointwise: () => compare(pointwiseResults(fusedPointwise), pointwiseResults(stockPointwise)),
  winograd: () => compare(winogradResults(winograd), winogradResults(stockConvolve)),
  crop: () => compare(cropResults(fusedCropResize), cropResults(stockCropResize)),
  momentum: () => compare(momentumResults(fusedMomentum), momentumResults(stockMomentum)),
  adam: () => compare(adamResults(fusedAdam), adamResults(stockAdam)),
};

type Results = Record<string, Float32Array>;

function batchNormResults(batchNorm: BatchNorm): Results {
  return normResults([6], (input, updated) => batchNorm(input, updated));
}

/** In parts of fewer channels than a vector has lanes, of more, and of neither's multiple. */
function normReluResults(normRelu: NormRelu): Results {
  const widths = [6, 70, 17];
  return normResults(widths, (input, updated) => tf.concat([...normRelu(input, widths, updated)].reverse(), 3));
}

type Norm = (input: BatchNormInput, updated: (mean: tf.Tensor, variance: tf.Tensor) => void) => tf.Tensor;

function normResults(widths: readonly number[], norm: Norm): Results {
  const channels = widths.reduce((sum, width) => sum + width);
  return collect((results) => {
    const x = tf
      .tensor4d(noise(3 * 5 * 4 * channels, 1), [3, 5, 4, channels])
      .mul<tf.Tensor4D>(2)
      .add<tf.Tensor4D>(0.5);
    const dy = tf.tensor(noise(x.size, 2), x.shape);
    const [scale, offset, movingMean, movingVariance] = [3, 4, 5, 6].map((seed) =>
      tf.tensor(noise(channels, seed), [channels]),
    );
    const forward = (input: tf.Tensor, gain: tf.Tensor, shift: tf.Tensor): tf.Tensor =>
      norm(
        { x: input as tf.Tensor4D, scale: gain, offset: shift, movingMean, movingVariance, momentum: 0.9 },
        (mean, variance) => {
          results.movingMean = copy(mean);
          results.movingVariance = copy(variance);
        },
      );
    const { value, grads } = tf.valueAndGrads(forward)([x, scale, offset], dy);
    results.y = copy(value);
    ['dx', 'dscale', 'doffset'].forEach((name, i) => (results[name] = copy(grads[i])));
  });
}

function reluResults(relu: Relu): Results {
  return collect((results) => {
    const x = tf.tensor(Float32Array.of(0, -0, ...noise(130, 7)), [2, 66]); // zeros: their gradient is 0 in both
    const { value, grad } = tf.valueAndGrad(relu)(x, tf.tensor(noise(x.size, 8), x.shape));
    results.y = copy(value);
    results.dx = copy(grad);
  });
}

function maxPoolResults(maxPool: MaxPool): Results {
  return collect((results) => {
    // 7 × 6: SAME padding is uneven. Half of the entries are 0, as behind a ReLU: ties must go to the same place.
    const x = tf.tensor4d(noise(2 * 7 * 6 * 70, 9), [2, 7, 6, 70]).relu<tf.Tensor4D>();
    for (const [size, stride] of [
      [3, 2],
      [2, 2],
      [3, 1],
    ]) {
      const pool = (input: tf.Tensor): tf.Tensor => maxPool(input as tf.Tensor4D, size, stride);
      const y = pool(x);
      const { grad } = tf.valueAndGrad(pool)(x, tf.tensor(noise(y.size, 10), y.shape));
      results[`y ${size}/${stride}`] = copy(y);
      results[`dx ${size}/${stride}`] = copy(grad);
    }
  });
}

function pointwiseResults(pointwise: Pointwise): Results {
  if (pointwise === fusedPointwise && binding().isUsingGpuDevice()) {
    throw new Error('cuDNN has kernels for it, and lays images out in another order than a product would find them');
  }
  return convolutionResults(pointwise, [2, 5, 4, 9], [1, 1, 9, 7]);
}

/** Of tiles that reach over the border and that do not, and of more channels than are worked on at a time. */
function winogradResults(convolve: Convolve): Results {
  return Object.fromEntries(
    [3, 5].flatMap((size) => {
      const results = convolutionResults(convolve, [2, 9, 6, 32], [size, size, 32, 112]);
      return Object.entries(results).map(([name, values]) => [`${name} of ${size} × ${size}`, values]);
    }),
  );
}

type Shape4 = [number, number, number, number];

function convolutionResults(convolve: Pointwise | Convolve, shape: Shape4, filterShape: Shape4): Results {
  return collect((results) => {
    const tensor = (of: Shape4, seed: number): tf.Tensor4D => tf.tensor4d(noise(tf.util.sizeFromShape(of), seed), of);
    const forward = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor => convolve(x as tf.Tensor4D, filter as tf.Tensor4D);
    const dy = tensor([shape[0], shape[1], shape[2], filterShape[3]], 14);
    const { value, grads } = tf.valueAndGrads(forward)([tensor(shape, 12), tensor(filterShape, 13)], dy);
    results.y = copy(value);
    ['dx', 'dfilter'].forEach((name, i) => (results[name] = copy(grads[i])));
  });
}

function cropResults(crop: CropResize): Results {
  return collect((results) => {
    const [side, boxes] = [11, [0, 0, 1, 1, 0.13, 0.21, 0.77, 0.94, 0.5, 0.5, 0.5, 0.5]]; // of the last: one point
    for (const channels of [1, 3]) {
      const pixels = Uint8Array.from(noise(3 * side * side * channels, 15), (value) => 127.5 + 127.5 * value);
      const normalise = { mean: [0.5, 0.4, 0.6].slice(0, channels), deviation: [0.2, 0.3, 0.25].slice(0, channels) };
      for (const size of [1, 7, 23]) {
        const images = uploadBytes(pixels, [3, side, side, channels]);
        results[`${channels} channels to ${size}`] = copy(crop(images, tf.tensor2d(boxes, [3, 4]), size, normalise));
      }
    }
  });
}

function momentumResults(update: MomentumUpdate): Results {
  return updated(['w', 'a'], (variables, gradient) => {
    const scalars = { learningRate: tf.scalar(0.03), momentum: tf.scalar(0.9) };
    update(variables, { weight: 'w', accumulator: 'a' }, gradient, scalars);
  });
}

function adamResults(update: AdamUpdate): Results {
  return updated(['w', 'm', 'v'], (variables, gradient, step) => {
    const [learningRate, beta1, beta2, epsilon] = [1e-3, 0.9, 0.999, 1e-7].map((value) => tf.scalar(value));
    const [beta1Power, beta2Power] = [tf.scalar(0.9 ** step), tf.scalar(0.999 ** step)];
    const scalars = { learningRate, beta1, beta2, epsilon, beta1Power, beta2Power };
    update(variables, { weight: 'w', m: 'm', v: 'v' }, gradient, scalars);
  });
}

/** The variables after three updates from a seeded weight and empty slots. */
function updated(
  [weight, ...slots]: readonly string[],
  update: (variables: VariableSet, gradient: tf.Tensor, step: number) => void,
): Results {
  const shape = [5, 7];
  const specs: VariableSpec[] = [
    { name: weight, shape, role: 'trained' },
    ...slots.map((name) => ({ name, shape, role: 'slot' as const })),
  ];
  const variables = VariableSet.create(specs, ({ role }) => (role === 'slot' ? new Float32Array(35) : noise(35, 11)));
  try {
    for (const step of [1, 2, 3]) tf.tidy(() => update(variables, tf.tensor(noise(35, 11 + step), shape), step));
    return Object.fromEntries(variables.read());
  } finally {
    variables.dispose();
  }
}

function collect(run: (results: Results) => void): Results {
  const results: Results = {};
  tf.tidy(() => run(results));
  return results;
}

function copy(tensor: tf.Tensor): Float32Array {
  return new Float32Array(tensor.dataSync<'float32'>());
}

/** Every array against its counterpart; the worst one is the verdict. NaN is never equal. */
export function compare(fused: Results, stock: Results): Verdict {
  let worst = { name: '', difference: 0 };
  for (const [name, expected] of Object.entries(stock)) {
    const difference = relativeDifference(fused[name] ?? new Float32Array(0), expected);
    if (!(difference <= worst.difference)) worst = { name, difference };
    if (Number.isNaN(difference)) break;
  }
  const { name, difference } = worst;
  if (difference === 0) return { equal: true, why: 'bitwise equal to stock' };
  const why = `${name} differs from stock by ${difference.toExponential(1)} of its largest magnitude`;
  return { equal: difference <= TOLERANCE, why };
}

function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return NaN;
  let [difference, magnitude] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(apart)) return NaN;
    difference = Math.max(difference, apart);
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  return difference === 0 ? 0 : difference / Math.max(magnitude, 1e-30);
}

/** Seeded values in (−1, 1), all different from one another in a small array: multiples of the golden ratio. */
function noise(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const position = ((i + 1) * 0.6180339887498949 + seed * 0.7548776662466927) % 1;
    return 2 * ((position * 97.31) % 1) - 1;
  });
}
