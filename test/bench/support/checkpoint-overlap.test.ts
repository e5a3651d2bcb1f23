/** How long a checkpoint took, and how long of it training was blocked. */
import { overlapOf } from '../../../bench/support/checkpoint-overlap';

test('training is blocked for as long as the next step is late; a checkpoint that ends an epoch is left out', () => {
  const applied: number[] = [];
  // Steps of 10 ms; after step 2 the next is 30 ms late, after step 6 the epoch ends and the next one loads.
  [110, 120, 160, 170, 180, 190, 900, 910].forEach((at, i) => (applied[i + 1] = at));
  const { stepMs, checkpoints } = overlapOf(applied, [
    { epoch: 1, globalStep: 2, atMs: 175, bytes: 5 },
    { epoch: 1, globalStep: 6, atMs: 300, bytes: 5 },
    { epoch: 2, globalStep: 8, atMs: 950, bytes: 5 },
  ]);
  expect(stepMs).toBe(10);
  expect(checkpoints).toEqual([{ wholeMs: 55, blockedMs: 30, steps: 2, bytes: 5 }]);
});
