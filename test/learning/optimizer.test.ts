/** The step size over epochs. */
import { learningRateAt } from '../../learning/optimizer';

const schedule = { learningRate: 2, epochs: 5, annealTo: 0.1 };

test('the first epoch runs at the rate given, the last at `annealTo` of it, by equal factors', () => {
  const rates = [1, 2, 3, 4, 5].map((epoch) => learningRateAt(schedule, epoch));
  expect(rates[0]).toBe(2);
  expect(rates[4]).toBeCloseTo(0.2, 12);
  for (const i of [1, 2, 3, 4]) expect(rates[i] / rates[i - 1]).toBeCloseTo(0.1 ** (1 / 4), 12);
});

test('a single epoch runs at the rate given; epochs added later at the last one’s', () => {
  expect(learningRateAt({ ...schedule, epochs: 1 }, 1)).toBe(2);
  expect(learningRateAt(schedule, 9)).toBe(learningRateAt(schedule, 5));
});
