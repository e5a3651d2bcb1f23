import { batchNormInference, normReluTraining } from '../../../engine/ops/batch-norm';
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { noise } from '../support/noise';
import { batchNormReference, deviation } from '../support/reference';

const names = { scale: 'scale', offset: 'offset', mean: 'mean', variance: 'variance' };
const seeds: Record<string, number> = { scale: 1, offset: 2, mean: 3, variance: 4 };

function variablesOfFive(): VariableSet {
  const specs = Object.values(names).map((name) => ({
    name,
    shape: [5],
    role: name === 'scale' || name === 'offset' ? ('trained' as const) : ('statistic' as const),
  }));
  return VariableSet.create(specs, ({ name }) => noise(5, seeds[name]).map((v) => 1.5 + v));
}

test('training moves the named averages by 0.1, or as told, and inference uses them without moving them', () => {
  const variables = variablesOfFive();
  const before = variables.read();
  const x = noise(60, 9);
  const { mean } = batchNormReference(x, 5, noise(5, 1), noise(5, 2));
  const moved = (momentum: number): Float32Array =>
    noise(5, 3).map((v, c) => momentum * (1.5 + v) + (1 - momentum) * mean[c]);

  tf.tidy(() => void normReluTraining(tf.tensor(x, [3, 2, 2, 5]), variables, names, [5]));
  expect(deviation(variables.read().get('mean') ?? [], moved(0.9))).toBeLessThan(1e-6);
  variables.restore(before);
  tf.tidy(() => void normReluTraining(tf.tensor(x, [3, 2, 2, 5]), variables, names, [2, 3], 0.5));
  expect(deviation(variables.read().get('mean') ?? [], moved(0.5))).toBeLessThan(1e-6);

  const after = variables.read();
  const at = (name: string): Float32Array => after.get(name) ?? new Float32Array(0);
  const y = tf.tidy(() => batchNormInference(tf.tensor(x, [3, 2, 2, 5]), variables, names).dataSync());
  const expected = x.map((value, i) => {
    const c = i % 5;
    return ((value - at('mean')[c]) / Math.sqrt(at('variance')[c] + 1e-3)) * at('scale')[c] + at('offset')[c];
  });
  expect(deviation(y, expected)).toBeLessThan(1e-6);
  expect(variables.read()).toEqual(after);
  variables.dispose();
  expect(tf.memory().numTensors).toBe(0);
});
