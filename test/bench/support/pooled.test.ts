import { pooled, repeated } from '../../../bench/support/pooled';
import type { Outcome } from '../../../bench/support/interleave';

const measured = (name: string, milliseconds: number[], peakBytes: number): Outcome => ({
  name,
  type: 'measured',
  milliseconds,
  peakBytes,
  baseBytes: 1,
  note: '',
  startSeconds: 1,
});
const failed = (name: string): Outcome => ({ name, type: 'failed', why: 'it broke' });

test('variants stand in turns, and the outcomes of a name become one', () => {
  const variants = ['a', 'b'].map((name) => ({ name, command: [], environment: {} }));
  expect(repeated(variants, 2).map(({ name }) => name)).toEqual(['a', 'b', 'a', 'b']);
  expect(
    pooled([measured('a', [1, 2], 7), measured('b', [3], 5), measured('a', [4], 9), measured('b', [6], 5)]),
  ).toEqual([measured('a', [1, 2, 4], 9), measured('b', [3, 6], 5)]);
});

test('a failure of one process is the failure of all of its name', () => {
  const outcomes = [measured('a', [1], 1), failed('b'), failed('a'), measured('b', [1], 1), measured('a', [2], 1)];
  expect(pooled(outcomes)).toEqual([failed('a'), failed('b')]);
});
