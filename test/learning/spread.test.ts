import { spread } from '../../learning/spread';

test('all where there are no more, else evenly spaced ones in their order', () => {
  expect(spread([3, 1, 2], 3)).toEqual([3, 1, 2]);
  expect(spread([3, 1, 2], 5)).toEqual([3, 1, 2]);
  expect(spread([0, 1, 2, 3, 4, 5, 6], 3)).toEqual([0, 2, 4]);
  expect(spread([], 2)).toEqual([]);
});
