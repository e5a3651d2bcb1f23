/** The architectures: sizes as published, shapes, first weights. */
import { tf } from '../../../engine/tf';
import { VariableSet } from '../../../engine/variables';
import { networkFor, parameterCount, type Network } from '../../../learning/networks/network';

const googlenet = (embeddingSize: number): Network =>
  networkFor({ name: 'googlenet-bn', inputSize: 224, embeddingSize }, 3);
const convnet = (channels: 1 | 3): Network =>
  networkFor({ name: 'convnet-4', inputSize: 48, embeddingSize: 128 }, channels);

test('GoogLeNet-BN has 7,005,832 parameters with a layer of 1000 on top and 7,030,432 with the embedding of 1024', () => {
  expect(parameterCount(googlenet(1000).specs)).toBe(7_005_832);
  expect(parameterCount(googlenet(1024).specs)).toBe(7_030_432);
});

test('convnet-4 has 0.42 million parameters', () => {
  expect(parameterCount(convnet(3).specs)).toBe(423_328);
});

test.each([
  ['convnet-4', convnet(1), 48, 1],
  ['googlenet-bn', networkFor({ name: 'googlenet-bn', inputSize: 33, embeddingSize: 128 }, 1), 33, 1],
] as const)(
  '%s turns images into embeddings; batch norm goes by the batch in training only',
  (_, network, size, channels) => {
    const variables = VariableSet.create(network.specs, (spec) => network.initial(spec, 1));
    const x = tf.randomUniform<tf.Rank.R4>([3, size, size, channels], -1, 1, 'float32', 7);
    const run = (images: tf.Tensor4D, mode: 'training' | 'inference'): Float32Array =>
      tf.tidy(() => {
        const y = network.forward(variables, images, mode);
        expect(y.shape).toEqual([images.shape[0], 128]);
        return y.dataSync<'float32'>().slice();
      });
    const first = tf.tidy(() => run(x.slice([0], [1]), 'inference'));
    const statistic = network.specs.filter(({ role }) => role === 'statistic')[0].name;
    const before = variables.read().get(statistic);
    expect(run(x, 'inference').slice(0, 128).every((value, i) => Math.abs(value - first[i]) < 1e-5)).toBe(true); // prettier-ignore
    expect(variables.read().get(statistic)).toEqual(before);
    const trained = run(x, 'training');
    expect(trained.every(Number.isFinite)).toBe(true);
    expect(trained.slice(0, 128).some((value, i) => Math.abs(value - first[i]) > 1e-3)).toBe(true);
    expect(variables.read().get(statistic)).not.toEqual(before);
    x.dispose();
    variables.dispose();
  },
);

test('first weights depend on seed and name, lie in ±1/√inputs and have no mean', () => {
  const network = convnet(3);
  const spec = network.specs.find(({ name }) => name === 'conv3/filter');
  if (spec === undefined) throw new Error('conv3/filter is missing');
  const weights = network.initial(spec, 1);
  expect(network.initial(spec, 1)).toEqual(weights);
  expect(network.initial(spec, 2)).not.toEqual(weights);
  expect(network.initial({ ...spec, name: 'conv9/filter' }, 1)).not.toEqual(weights);
  const bound = 1 / Math.sqrt(3 * 3 * 64);
  const largest = weights.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  expect(largest).toBeLessThanOrEqual(bound);
  expect(largest).toBeGreaterThan(0.999 * bound);
  expect(Math.abs(weights.reduce((sum, value) => sum + value, 0) / weights.length)).toBeLessThan(bound / 100);
});

test('batch norm starts as the identity, biases at 0', () => {
  const network = convnet(3);
  const values = new Map(network.specs.map((spec) => [spec.name, [...new Set(network.initial(spec, 1))]]));
  expect(values.get('conv1/scale')).toEqual([1]);
  expect(values.get('conv1/offset')).toEqual([0]);
  expect(values.get('conv1/mean')).toEqual([0]);
  expect(values.get('conv1/variance')).toEqual([1]);
  expect(values.get('embedding/b')).toEqual([0]);
});
