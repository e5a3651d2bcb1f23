/**
 * Batches for softmax: shuffled passes over the training examples. Every batch is full, so that one compiled step serves
 * all: where a pass ends inside a batch, the next pass fills it. Each epoch begins passes of its own.
 */
import { rngFor } from '../random';
import type { TrainingData } from '../training-data';
import type { Batch, Sampler } from './sampler';

const { floor } = Math;

export function softmaxSampler(batchSize: number, data: TrainingData, seed: number): Sampler {
  const count = data.train.length;
  let held = { epoch: 0, pass: -1, rows: [] as number[] };

  const rowsOf = (epoch: number, pass: number): readonly number[] => {
    if (held.epoch !== epoch || held.pass !== pass) {
      const rows = rngFor(seed, 'softmax pass', epoch, pass).shuffle(data.train.map((_, row) => row));
      held = { epoch, pass, rows };
    }
    return held.rows;
  };

  return {
    draw(epoch: number, step: number): Batch {
      const trainRows: number[] = [];
      for (let place = step * batchSize; trainRows.length < batchSize; place++) {
        trainRows.push(rowsOf(epoch, floor(place / count))[place % count]);
      }
      const examples = trainRows.map((row) => data.train[row]);
      return { examples, trainRows, clusterClass: null, examplesPerCluster: null };
    },
    record: () => {},
    state: () => null,
    restore: () => {},
  };
}
