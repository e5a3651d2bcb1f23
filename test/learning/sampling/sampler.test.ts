/** Which sampler an objective gets, and which index that needs. */
import { MagnetOptions, SoftmaxOptions, TripletOptions } from '../../../config/objective';
import type { RunIndex } from '../../../learning/index/run-index';
import { imagesPerStep, samplerFor } from '../../../learning/sampling/sampler';
import { dataOf } from './toy';

const objectives = {
  softmax: { type: 'softmax', ...SoftmaxOptions.parse({ batchSize: 16 }) },
  triplet: { type: 'triplet', ...TripletOptions.parse({ triplets: 4 }) },
  magnet: { type: 'magnet', ...MagnetOptions.parse({ clustersPerBatch: 4, examplesPerCluster: 2 }) },
} as const;
const data = dataOf([0, 0, 1, 1]);
const embeddings: RunIndex = { type: 'embeddings', embeddings: Float32Array.of(0, 1, 2, 3), embeddingSize: 1 };
const clusters: RunIndex = {
  type: 'clusters',
  centroids: Float32Array.of(0.5, 2.5),
  clusterClass: Int32Array.of(0, 1),
  assignments: Int32Array.of(0, 0, 1, 1),
  variance: 1 / 3,
  embeddingSize: 1,
};

test('each objective draws batches of its images a step from its own kind of index', () => {
  const cases = [
    [objectives.softmax, null],
    [objectives.triplet, embeddings],
    [objectives.magnet, clusters],
    [{ type: 'softmax', batchSize: 5 }, null],
  ] as const;
  const sizes = cases.map(([objective, index]) => samplerFor(objective, data, index, 1).draw(1, 0).trainRows.length);
  expect(sizes).toEqual([16, 12, 8, 5]);
  expect(cases.map(([objective]) => imagesPerStep(objective))).toEqual(sizes);
});

test('only Magnet remembers losses', () => {
  expect(samplerFor(objectives.softmax, data, embeddings, 1).state()).toBeNull();
  expect(samplerFor(objectives.triplet, data, embeddings, 1).state()).toBeNull();
  expect(samplerFor(objectives.magnet, data, clusters, 1).state()).toEqual({
    losses: new Float32Array(4),
    seen: new Uint8Array(4),
  });
});

test('an index of the wrong kind is a fault that says so', () => {
  expect(() => samplerFor(objectives.magnet, data, null, 1)).toThrow('got no index, magnet needs one of clusters');
  expect(() => samplerFor(objectives.magnet, data, embeddings, 1)).toThrow('got an index of embeddings');
  expect(() => samplerFor(objectives.triplet, data, clusters, 1)).toThrow('triplet needs one of embeddings');
});
