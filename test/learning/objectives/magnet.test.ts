/** Eq. 5 and eq. 4: golden values, properties, and each known bug kept beside the property that catches it. */
import { tf } from '../../../engine/tf';
import { exactMagnetLoss, magnetLoss } from '../../../learning/objectives/magnet';
import { tripletLoss } from '../../../learning/objectives/triplet';
import { rngFor } from '../../../learning/random';
import golden from '../golden/magnet.json';

type Loss = (embeddings: tf.Tensor2D, clusterClass: tf.Tensor1D) => tf.Tensor1D;

const [M, D, E] = [6, 4, 8];
const classes = [0, 1, 1, 3, 4, 5];
const flat = golden.embeddings.flat();
const magnet =
  (alpha = 1, globalScaling = 1): Loss =>
  (r, c) =>
    magnetLoss(r, c, { alpha, globalScaling }).losses;

/** Per-example losses. */
function lossesOf(loss: Loss, values: readonly number[] = flat, clusterClass: readonly number[] = classes): number[] {
  return tf.tidy(() => {
    const r = tf.tensor2d([...values], [values.length / E, E]);
    return [...loss(r, tf.tensor1d([...clusterClass], 'int32')).dataSync()];
  });
}

/** Gradient of the mean loss. */
function gradientOf(loss: Loss, values: readonly number[] = flat, clusterClass: readonly number[] = classes): number[] {
  return tf.tidy(() => {
    const c = tf.tensor1d([...clusterClass], 'int32');
    const mean = (r: tf.Tensor): tf.Scalar => loss(r as tf.Tensor2D, c).mean();
    return [
      ...tf
        .grad(mean)(tf.tensor2d([...values], [values.length / E, E]))
        .dataSync(),
    ];
  });
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));
const largestDifference = (a: readonly number[], b: readonly number[]): number => largest(a.map((v, i) => v - b[i]));
const scaled = (factor: number): number[] => flat.map((value) => factor * value);
/** float32 rounds at 6e-8 of values near 2, summed over a few dozen terms. */
const ROUNDING = 1e-5;

describe('golden values of eq. 5 (float64, test/learning/golden/magnet.py)', () => {
  test.each(golden.cases)('classes $classes, alpha $alpha: $loss', ({ classes: of, alpha, loss, losses, variance }) => {
    const actual = lossesOf(magnet(alpha), flat, of);
    expect(largestDifference(actual, losses)).toBeLessThan(ROUNDING);
    expect(Math.abs(mean(actual) - loss)).toBeLessThan(ROUNDING);
    const sigma = tf.tidy(() => {
      const r = tf.tensor2d(flat, [M * D, E]);
      const result = magnetLoss(r, tf.tensor1d(of, 'int32'), { alpha, globalScaling: 1 });
      return result.variance.dataSync()[0];
    });
    expect(sigma).toBeCloseTo(variance, 6);
  });

  test('they are the published ones', () => {
    expect(golden.cases.map(({ loss }) => loss.toFixed(10))).toEqual([
      '2.3396315890',
      '11.3396315890',
      '2.2603454424',
      '11.2603454424',
    ]);
  });
});

describe('properties of eq. 5', () => {
  test('scaling or shifting all embeddings changes nothing', () => {
    const base = lossesOf(magnet());
    for (const factor of [0.01, 3, 100]) {
      expect(largestDifference(lossesOf(magnet(), scaled(factor)), base)).toBeLessThan(ROUNDING);
    }
    const shifted = flat.map((value, i) => value + (i % E) - 3);
    expect(largestDifference(lossesOf(magnet(), shifted), base)).toBeLessThan(2 * ROUNDING);
  });

  test('control: the σ⁴ variant fails scale invariance', () => {
    const difference = largestDifference(lossesOf(sigmaToTheFourth, scaled(3)), lossesOf(sigmaToTheFourth));
    expect(difference).toBeGreaterThan(0.1);
  });

  test('so the gradient is orthogonal to the embeddings and its columns sum to 0', () => {
    const gradient = gradientOf(magnet());
    expect(Math.abs(dot(gradient, flat))).toBeLessThan(1e-6);
    const columns = Array.from({ length: E }, (_, e) => dot(gradient, flat.map((_, i) => (i % E === e ? 1 : 0)))); // prettier-ignore
    expect(largest(columns)).toBeLessThan(1e-6);
    expect(largest(gradient)).toBeGreaterThan(1e-3);
  });

  test('control: a gradient cut at σ² is not orthogonal to the embeddings', () => {
    expect(largestDifference(lossesOf(cutAtVariance), lossesOf(magnet()))).toBeLessThan(ROUNDING);
    expect(Math.abs(dot(gradientOf(cutAtVariance), flat))).toBeGreaterThan(1e-2);
  });

  test('the gradient equals finite differences', () => {
    const gradient = gradientOf(magnet(1, 2));
    const step = 1e-2; // float32: truncation of the central difference is about as large as its rounding
    for (const i of [0, 17, 50, 101, 191]) {
      const at = (delta: number): number =>
        mean(lossesOf(magnet(1, 2), flat.map((value, j) => (j === i ? value + delta : value)))); // prettier-ignore
      expect(Math.abs((at(step) - at(-step)) / (2 * step) - gradient[i])).toBeLessThan(3e-4);
    }
  });

  test('alpha shifts the loss by exactly its change while every hinge is open', () => {
    const shift = lossesOf(magnet(3.5)).map((loss, i) => loss - lossesOf(magnet(1))[i]);
    expect(largestDifference(shift, shift.map(() => 2.5))).toBeLessThan(ROUNDING); // prettier-ignore
  });

  test('exchanging examples inside a cluster exchanges their losses and changes nothing else', () => {
    const order = flat.map((_, i) => i);
    for (let e = 0; e < E; e++) [order[e], order[2 * E + e]] = [order[2 * E + e], order[e]];
    const exchanged = lossesOf(magnet(), order.map((i) => flat[i])); // prettier-ignore
    const base = lossesOf(magnet());
    const expected = [base[2], base[1], base[0], ...base.slice(3)];
    expect(largestDifference(exchanged, expected)).toBeLessThan(ROUNDING);
  });

  test('the global scaling multiplies both exponents', () => {
    const apart = lossesOf(magnet(1, 4)).map((loss, i) => loss - lossesOf(magnet(1, 1))[i]);
    expect(largest(apart)).toBeGreaterThan(0.1);
    const [scaledVariance, plain] = [lossesOf(widthDividedBy(4)), lossesOf(magnet(1, 4))];
    expect(largestDifference(scaledVariance, plain)).toBeLessThan(ROUNDING);
  });

  test('a cluster of the own class never enters the denominator', () => {
    const near = [...flat]; // cluster 2, of the class of cluster 1, moves onto it: only its own terms and σ² could change
    for (let i = 0; i < D * E; i++) near[2 * D * E + i] = flat[D * E + i];
    const moved = lossesOf(magnet(), near);
    const withSameClass = lossesOf(sameClassInDenominator, near);
    expect(largestDifference(moved.slice(D, 3 * D), [...moved.slice(D, 2 * D), ...moved.slice(D, 2 * D)])).toBe(0);
    // control: with the twin in the denominator the loss of clusters 1 and 2 is larger
    expect(mean(withSameClass.slice(D, 3 * D)) - mean(moved.slice(D, 3 * D))).toBeGreaterThan(0.2);
    expect(largestDifference(withSameClass.slice(0, D), moved.slice(0, D))).toBeLessThan(ROUNDING);
  });

  test('clusters a hundred deviations apart still have finite losses and gradients', () => {
    const far = flat.map((value, i) => value + 200 * Math.floor(i / (D * E)));
    expect(lossesOf(magnet(), far).every((loss) => loss === 0)).toBe(true);
    const open = magnet(1e7); // a hinge that is open all the same
    expect(lossesOf(open, far).every(Number.isFinite)).toBe(true);
    expect(largest(gradientOf(open, far))).toBeGreaterThan(0);
    expect(gradientOf(open, far).every(Number.isFinite)).toBe(true);
    // control: the ratio underflows, and its logarithm with it
    expect(gradientOf(logOfRatio, far).every(Number.isFinite)).toBe(false);
    expect(largestDifference(lossesOf(logOfRatio), lossesOf(magnet()))).toBeLessThan(ROUNDING);
  });

  test('rows without an impostor cluster have loss 0 and a finite gradient', () => {
    const oneClass = [7, 7, 7, 7, 7, 7];
    expect(lossesOf(magnet(), flat, oneClass)).toEqual(new Array(M * D).fill(0));
    expect(gradientOf(magnet(), flat, oneClass).every((value) => value === 0)).toBe(true);
    // control: masked with −∞ the row turns NaN
    expect(gradientOf(maskedWithInfinity, flat, oneClass).every(Number.isFinite)).toBe(false);
  });

  test('an embedding that is not finite gives losses that are not finite', () => {
    const poisoned = [NaN, ...flat.slice(1)];
    expect(lossesOf(magnet(), poisoned).some(Number.isFinite)).toBe(false);
  });

  test('eq. 7: the two losses of a seed cluster are the triplet loss up to ‖r − mean‖²', () => {
    const rng = rngFor(7, 'eq. 7');
    const [r1, r2, other] = [0, 1, 2].map(() => Array.from({ length: E }, () => rng.next()));
    const rows = [...r1, ...r2, ...other];
    const alpha = 0.4;
    const two = tf.tidy(() => {
      const r = tf.tensor2d(rows, [3, E]);
      const centroids = tf.tensor2d([...r1.map((v, i) => (v + r2[i]) / 2), ...other], [2, E]);
      const { variance } = exactMagnetLoss(r, centroids, ids([0, 1]), ids([0, 0, 1]), { alpha, globalScaling: 1 });
      const globalScaling = 2 * variance.dataSync()[0]; // 2σ² → 1
      return [
        ...exactMagnetLoss(r, centroids, ids([0, 1]), ids([0, 0, 1]), { alpha, globalScaling }).losses.dataSync(),
      ];
    });
    const squared = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0);
    const quarter = squared(r1, r2) / 4;
    const expected = [r1, r2].map((r) => Math.max(0, quarter - squared(r, other) + alpha));
    expect(largestDifference(two.slice(0, 2), expected)).toBeLessThan(ROUNDING);
    const triplets = tf.tidy(() => [...tripletLoss(tf.tensor2d([...r1, ...r2, ...other], [3, E]), alpha).dataSync()]);
    expect(triplets[0]).toBeCloseTo(Math.max(0, 4 * quarter - squared(r1, other) + alpha), 5);
  });
});

describe('eq. 4', () => {
  test('eq. 5 equals eq. 4 when the batch is the whole data set and centroids are its means', () => {
    const exact = tf.tidy(() => {
      const r = tf.tensor2d(flat, [M * D, E]);
      const centroids = r.reshape([M, D, E]).mean<tf.Tensor2D>(1);
      const own = ids(Array.from({ length: M * D }, (_, n) => Math.floor(n / D)));
      return [...exactMagnetLoss(r, centroids, ids(classes), own, { alpha: 1, globalScaling: 3 }).losses.dataSync()];
    });
    expect(largestDifference(exact, lossesOf(magnet(1, 3)))).toBeLessThan(ROUNDING);
  });
});

function ids(values: readonly number[]): tf.Tensor1D {
  return tf.tensor1d([...values], 'int32');
}

/** Eq. 5 written out, with one place to break. */
function broken(choose: {
  variance?: (variance: tf.Tensor) => tf.Tensor;
  denominator?: (exponents: tf.Tensor, ownClass: tf.Tensor, ownCluster: tf.Tensor) => tf.Tensor;
}): Loss {
  return (r, c) => {
    const clusters = c.size;
    const means = r.reshape([clusters, -1, E]).mean(1);
    const distances = r.expandDims(1).sub(means.expandDims(0)).square().sum(2);
    const repeat = (matrix: tf.Tensor): tf.Tensor => matrix.expandDims(1).tile([1, D, 1]).reshape([-1, clusters]);
    const ownCluster = repeat(tf.eye(clusters));
    const ownClass = repeat(tf.equal(c.expandDims(1), c.expandDims(0)).cast('float32'));
    const toOwn = distances.mul(ownCluster).sum(1);
    const variance = toOwn.sum().div(clusters * D - 1);
    const width = (choose.variance ?? ((same) => same))(variance).mul(2);
    const exponents = distances.div(width).neg();
    const logDenominator = choose.denominator
      ? choose.denominator(exponents, ownClass, ownCluster)
      : exponents.sub(ownClass.mul(1e9)).logSumExp(1);
    return toOwn.div(width).add(1).add(logDenominator).relu();
  };
}

const sigmaToTheFourth = broken({ variance: (variance) => variance.square() });
const cutAtVariance = broken({
  variance: (variance) =>
    tf.customGrad(() => ({ value: variance.clone(), gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy) }))(variance),
});
const sameClassInDenominator = broken({
  denominator: (exponents, _, ownCluster) => exponents.sub(ownCluster.mul(1e9)).logSumExp(1),
});
const logOfRatio = broken({
  denominator: (exponents, ownClass) => exponents.exp().mul(tf.sub(1, ownClass)).sum(1).log(),
});
const maskedWithInfinity = broken({
  denominator: (exponents, ownClass) =>
    tf.where(ownClass.cast('bool'), tf.fill(exponents.shape, -Infinity), exponents).logSumExp(1),
});
const widthDividedBy = (g: number): Loss => broken({ variance: (variance) => variance.div(g) });
