/** Shuffled passes in full batches. */
import { softmaxSampler } from '../../../learning/sampling/softmax';
import { dataOf } from './toy';

const data = dataOf(Array.from({ length: 10 }, (_, row) => row % 2));
const sorted = (rows: readonly number[]): number[] => [...rows].sort((a, b) => a - b);
const everyRow = [...data.train.keys()];

test('each pass holds every training example once; batches are full and go on into the next pass', () => {
  const sampler = softmaxSampler(4, data, 1);
  const batches = [0, 1, 2, 3, 4].map((step) => sampler.draw(1, step));
  for (const { trainRows, examples, clusterClass, examplesPerCluster } of batches) {
    expect([trainRows.length, clusterClass, examplesPerCluster]).toEqual([4, null, null]);
    expect(examples).toEqual(trainRows.map((row) => data.train[row]));
  }
  const rows = batches.flatMap(({ trainRows }) => trainRows);
  expect(sorted(rows.slice(0, 10))).toEqual(everyRow);
  expect(sorted(rows.slice(10))).toEqual(everyRow);
  expect(rows.slice(0, 10)).not.toEqual(rows.slice(10));
  expect(rows.slice(0, 10)).not.toEqual(everyRow);
});

test('a batch larger than the data holds whole passes', () => {
  const { trainRows } = softmaxSampler(23, data, 1).draw(1, 0);
  expect(sorted(trainRows.slice(0, 10))).toEqual(everyRow);
  expect(sorted(trainRows.slice(10, 20))).toEqual(everyRow);
  expect(new Set(trainRows.slice(20)).size).toBe(3);
});

test('D1: batches depend on seed, epoch and step alone; nothing is remembered', () => {
  const used = softmaxSampler(4, data, 1);
  for (const step of [0, 1, 2]) used.record(used.draw(1, step).trainRows, new Float32Array(4));
  expect(used.draw(2, 2)).toEqual(softmaxSampler(4, data, 1).draw(2, 2));
  expect(used.draw(1, 1)).toEqual(softmaxSampler(4, data, 1).draw(1, 1));
  expect(used.state()).toBeNull();
  const orders = [
    [1, 1],
    [1, 2],
    [2, 1],
  ].map(([seed, epoch]) => softmaxSampler(10, data, seed).draw(epoch, 0).trainRows.join());
  expect(new Set(orders).size).toBe(3);
});
