/** Turns of several programs side by side: order, medians, and what becomes of a program that fails. */
import { measureInterleaved, median, medianStep, quantile, type Variant } from '../../../bench/support/interleave';

/** A worker in plain JavaScript that answers turn n with the n-th of `times`, and fails when they are used up. */
function variant(name: string, times: readonly number[], before = ''): Variant {
  const program = `
    ${before}
    const times = ${JSON.stringify(times)};
    console.log('libraries print too');
    console.log(JSON.stringify({ baseBytes: 1, note: 'note of ${name}' }));
    require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
      if (times.length === 0) { console.error('used up'); process.exit(3); }
      console.log(JSON.stringify({ milliseconds: times.shift(), peakBytes: 2 }));
    }).on('close', () => process.exit(0));`;
  return { name, command: [process.execPath, '-e', program], environment: {} };
}

test('every variant takes a turn a round; the start and the warm-up do not count', async () => {
  const said: string[] = [];
  const outcomes = await measureInterleaved(
    [variant('a', [100, 90, 1, 2, 3]), variant('b', [100, 90, 4, 5, 6])],
    { warmUp: 1, rounds: 3 },
    (line) => said.push(line),
  );
  expect(outcomes).toMatchObject([
    { name: 'a', type: 'measured', milliseconds: [1, 2, 3], note: 'note of a', baseBytes: 1, peakBytes: 2 },
    { name: 'b', type: 'measured', milliseconds: [4, 5, 6] },
  ]);
  expect(said.slice(2)).toEqual([
    '  warm-up: 90.0 · 90.0 ms',
    '  round 1 of 3: 1.0 · 4.0 ms',
    '  round 2 of 3: 2.0 · 5.0 ms',
    '  round 3 of 3: 3.0 · 6.0 ms',
  ]);
});

test('one that fails, at its start or later, says why; the others go on', async () => {
  const missing: Variant = { name: 'missing', command: ['/no/such/program'], environment: {} };
  const outcomes = await measureInterleaved(
    [
      missing,
      variant('broken', [], "throw new Error('no such module');"),
      variant('short', [9, 8]),
      variant('good', [9, 8, 7]),
    ],
    { warmUp: 1, rounds: 1 },
    () => undefined,
  );
  expect(outcomes.map(({ type }) => type)).toEqual(['failed', 'failed', 'failed', 'measured']);
  expect(outcomes[0]).toMatchObject({ why: expect.stringContaining('ENOENT') as string });
  expect(outcomes[1]).toMatchObject({ why: expect.stringContaining('code 1') as string });
  expect(outcomes[2]).toMatchObject({ why: 'failed: ended with code 3: used up' });
});

test('medians and quartiles; the first step of a turn is not timed', async () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect([0, 0.25, 0.75, 1].map((share) => quantile([5, 1, 2, 3, 4], share))).toEqual([1, 2, 4, 5]);
  let steps = 0;
  const slowFirst = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, steps++ === 0 ? 200 : 0));
  expect(await medianStep(3, slowFirst)).toBeLessThan(100);
  expect(steps).toBe(4);
});
