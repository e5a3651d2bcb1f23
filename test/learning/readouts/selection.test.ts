import fc from 'fast-check';
import { rankSmallest, sortedPlaces, sortRun, type Sorting } from '../../../learning/readouts/selection';

const numbers = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 700 });
/** Few different ones: ties. */
const fewKinds = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 700 });

function sortingOf(list: readonly number[]): Sorting {
  const values = Float32Array.from(list);
  const bits = new Uint32Array(values.buffer);
  return { values, bits, keys: new Float64Array(list.length), places: new Int32Array(list.length) };
}

test('the rank-th smallest is that of a sort', () => {
  fc.assert(
    fc.property(fc.oneof(numbers, fewKinds), fc.nat(), (list, draw) => {
      const rank = 1 + (draw % list.length);
      const values = Float32Array.from(list);
      expect(rankSmallest(values.slice(), list.length, rank)).toBe(values.slice().sort()[rank - 1] + 0);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('places are in the order of their values, equal ones by place, few or many, infinite or not', () => {
  fc.assert(
    fc.property(fc.oneof(numbers, fewKinds), (list) => {
      const values = Float32Array.from(list, (value) => value + 0); // −0 and 0 are one
      const expected = [...values.keys()].sort((a, b) => values[a] - values[b] || a - b);
      const sorted = sortedPlaces(sortingOf([...values]), list.length);
      if (!values.includes(Infinity) && !values.includes(-Infinity)) expect([...sorted]).toEqual(expected);
      else
        expect([...sorted].map((place) => values[place])).toEqual(
          [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
        );
    }),
    { seed: 2, numRuns: 300 },
  );
});

test('a run is sorted by distance, then by row, and nothing around it moves', () => {
  fc.assert(
    fc.property(fewKinds, fc.nat(), fc.nat(), (list, one, other) => {
      const [begin, end] = [one % (list.length + 1), other % (list.length + 1)].sort((a, b) => a - b);
      const rows = Int32Array.from(list, (_, i) => (i * 7919) % 1000);
      const distances = Float64Array.from(list);
      const before = Array.from(list, (distance, i) => ({ row: rows[i], distance }));
      const inside = before.slice(begin, end).sort((a, b) => a.distance - b.distance || a.row - b.row);
      const expected = [...before.slice(0, begin), ...inside, ...before.slice(end)];
      sortRun({ rows, distances, begin, end });
      expect(Array.from(rows, (row, i) => ({ row, distance: distances[i] }))).toEqual(expected);
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('the places of two million values are sorted, and of more none is sorted wrongly in silence', () => {
  const most = 2 ** 21;
  const sorting: Sorting = (() => {
    const values = Float32Array.from({ length: most + 1 }, (_, i) => i % 5);
    const bits = new Uint32Array(values.buffer);
    return { values, bits, keys: new Float64Array(most + 1), places: new Int32Array(most + 1) };
  })();
  const sorted = sortedPlaces(sorting, most);
  expect([...sorted.subarray(0, 3), ...sorted.subarray(most - 3)]).toEqual([0, 5, 10, most - 13, most - 8, most - 3]);
  expect(() => sortedPlaces(sorting, most + 1)).toThrow(/2097153 rows are too near to each other/);
});
