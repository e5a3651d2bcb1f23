/** Batch norm folded into filters and biases: names, arithmetic, what is refused. */
import { fold, foldedSpecs } from '../../../learning/networks/fold';
import { networkFor } from '../../../learning/networks/network';

const network = networkFor({ name: 'convnet-4', inputSize: 16, embeddingSize: 8 }, 3);
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const values = new Map(
  network.specs.map(({ name, shape }) => [
    name,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7 + name.length) % 11) / 10 + 0.25),
  ]),
);

test('the folded network has a bias in place of each batch norm, and the same filters and dense layers by name', () => {
  const folded = foldedSpecs(network.specs);
  expect(folded.map(({ name }) => name)).toEqual([
    ...['conv1', 'conv2', 'conv3', 'conv4'].flatMap((layer) => [`${layer}/filter`, `${layer}/bias`]),
    'embedding/w',
    'embedding/b',
  ]);
  const result = fold(network.specs, values);
  expect([...result.keys()]).toEqual(folded.map(({ name }) => name));
  for (const { name, shape } of folded) expect(result.get(name)?.length).toBe(sizeOf(shape));
});

test('filter · s and offset − mean · s with s = scale / √(variance + 1e-3), rounded once', () => {
  const of = (name: string): Float32Array => values.get(name) as Float32Array;
  const result = fold(network.specs, values);
  const [channels, channel, row] = [32, 5, 17];
  const s = of('conv1/scale')[channel] / Math.sqrt(of('conv1/variance')[channel] + 1e-3);
  const at = row * channels + channel;
  expect(result.get('conv1/filter')?.[at]).toBe(Math.fround(of('conv1/filter')[at] * s));
  expect(result.get('conv1/bias')?.[channel]).toBe(
    Math.fround(of('conv1/offset')[channel] - of('conv1/mean')[channel] * s),
  );
  expect(result.get('embedding/w')).toBe(of('embedding/w'));
});

test('what is no part of the network is left out, what is missing is named', () => {
  const more = new Map([...values, ['head/w', new Float32Array(3)], ['conv1/filter/adam-m', new Float32Array(3)]]);
  expect([...fold(network.specs, more).keys()]).toEqual([...fold(network.specs, values).keys()]);
  const less = new Map([...values].filter(([name]) => name !== 'conv3/mean'));
  expect(() => fold(network.specs, less)).toThrow(/no values for conv3\/mean/);
});
