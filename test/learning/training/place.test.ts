/** Where a session may go. */
import type { Position } from '../../../config/artifacts';
import { beginningOf, placeInEpoch, requireWarmStart } from '../../../learning/training/place';

const at = (phase: Position['phase'], epoch: number, step: number): Position => ({
  phase,
  epoch,
  step,
  globalStep: 10 * Math.max(0, epoch - 1) + step,
});

test('an epoch begins when the one before it is whole, and goes on from where it is', () => {
  expect(placeInEpoch(beginningOf('train'), 1, 10)).toEqual(at('train', 1, 0));
  expect(placeInEpoch(at('train', 1, 10), 2, 10)).toEqual({ ...at('train', 2, 0), globalStep: 10 });
  const inside = at('train', 2, 4);
  expect(placeInEpoch(inside, 2, 10)).toBe(inside);
});

test.each([
  [at('train', 1, 9), 2],
  [at('train', 1, 10), 3],
  [at('train', 2, 10), 1],
  [beginningOf('train'), 0],
])('from %j not to epoch %i', (place, epoch) => {
  expect(() => placeInEpoch(place, epoch, 10)).toThrow(
    new RegExp(`got epoch ${epoch} of train at step ${place.step} of epoch ${place.epoch}; .* fault in lodestone`),
  );
});

test('training begins where the warm start ends, also one of no epochs', () => {
  for (const [place, epochs] of [
    [at('warm-start', 2, 10), 2],
    [beginningOf('warm-start'), 0],
  ] as const)
    expect(() => requireWarmStart(place, epochs, 10)).not.toThrow();
  for (const place of [at('warm-start', 2, 9), at('warm-start', 1, 10), at('train', 2, 10)])
    expect(() => requireWarmStart(place, 2, 10)).toThrow('the warm start of 2 epochs must be done');
});
