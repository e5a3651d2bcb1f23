/** Fused and stock updates against the rules in float64, over several steps. Tolerance: float32 state, five steps. */
import * as updates from '../../../engine/implementations/optimizers';
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { noise } from '../support/noise';
import { deviation } from '../support/reference';

const TOLERANCE = 1e-6;
const SIZE = 12;
const start = noise(SIZE, 1);
const gradientOf = (step: number): Float32Array => noise(SIZE, 10 + step);

function runSteps(
  slots: readonly string[],
  update: (variables: VariableSet, gradient: tf.Tensor, step: number) => void,
) {
  const shape = [3, 4];
  const specs = [
    { name: 'w', shape, role: 'trained' as const },
    ...slots.map((name) => ({ name, shape, role: 'slot' as const })),
  ];
  const variables = VariableSet.create(specs, ({ role }) => (role === 'trained' ? start : new Float32Array(SIZE)));
  for (const step of [1, 2, 3, 4, 5]) tf.tidy(() => update(variables, tf.tensor(gradientOf(step), shape), step));
  const values = variables.read();
  variables.dispose();
  return (name: string): Float32Array => values.get(name) ?? new Float32Array(0);
}

afterEach(() => expect(tf.memory().numTensors).toBe(0));

const momentumUpdates = [
  ['fused', updates.fusedMomentum],
  ['stock', updates.stockMomentum],
] as const;
test.each(momentumUpdates)('momentum, %s: five steps as in float64', (_, update) => {
  const value = runSteps(['a'], (variables, gradient) => {
    const scalars = { learningRate: tf.scalar(0.1), momentum: tf.scalar(0.9) };
    update(variables, { weight: 'w', accumulator: 'a' }, gradient, scalars);
  });
  const expected = (nesterov: boolean) => {
    const [w, a] = [Float64Array.from(start), new Float64Array(SIZE)];
    for (const step of [1, 2, 3, 4, 5]) {
      gradientOf(step).forEach((g, i) => {
        a[i] = 0.9 * a[i] + g;
        w[i] -= 0.1 * (nesterov ? g + 0.9 * a[i] : a[i]);
      });
    }
    return { w, a };
  };
  expect(deviation(value('w'), expected(false).w)).toBeLessThan(TOLERANCE);
  expect(deviation(value('a'), expected(false).a)).toBeLessThan(TOLERANCE);
  expect(deviation(value('w'), expected(true).w)).toBeGreaterThan(1000 * TOLERANCE); // control: Nesterov is another rule
});

const adamUpdates = [
  ['fused', updates.fusedAdam],
  ['stock', updates.stockAdam],
] as const;
test.each(adamUpdates)('adam, %s: five steps as in float64', (_, update) => {
  const [learningRate, beta1, beta2, epsilon] = [0.1, 0.9, 0.99, 1e-3];
  const value = runSteps(['m', 'v'], (variables, gradient, step) => {
    update(variables, { weight: 'w', m: 'm', v: 'v' }, gradient, {
      learningRate: tf.scalar(learningRate),
      beta1: tf.scalar(beta1),
      beta2: tf.scalar(beta2),
      epsilon: tf.scalar(epsilon),
      beta1Power: tf.scalar(beta1 ** step),
      beta2Power: tf.scalar(beta2 ** step),
    });
  });
  const expected = (corrected: boolean) => {
    const [w, m, v] = [Float64Array.from(start), new Float64Array(SIZE), new Float64Array(SIZE)];
    for (const step of [1, 2, 3, 4, 5]) {
      const correction = corrected ? Math.sqrt(1 - beta2 ** step) / (1 - beta1 ** step) : 1;
      gradientOf(step).forEach((g, i) => {
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        w[i] -= (learningRate * correction * m[i]) / (Math.sqrt(v[i]) + epsilon);
      });
    }
    return { w, m, v };
  };
  // float32 holds 1 − 0.99 with a relative error of 6e-6: that, not the update, sets the tolerance of v and w
  expect(deviation(value('m'), expected(true).m)).toBeLessThan(TOLERANCE);
  expect(deviation(value('v'), expected(true).v)).toBeLessThan(1e-5);
  expect(deviation(value('w'), expected(true).w)).toBeLessThan(1e-5);
  expect(deviation(value('w'), expected(false).w)).toBeGreaterThan(1e-2); // control: without bias correction
});
