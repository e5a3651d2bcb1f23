import { RunState } from '../../workflows/run-state';
import { Recipe } from '../../config/recipe';
import type { CheckpointRef, IndexRef, ObjectRef } from '../../config/artifacts';

const sha = (digit: string): string => digit.repeat(64);
const object = (digit: string): ObjectRef => ({ uri: `s3://b/${digit}`, sha256: sha(digit), bytes: 1 });
const checkpoint = (epoch: number): CheckpointRef => ({
  manifest: object(String(epoch)),
  digest: sha(String(epoch)),
  position: { phase: 'train', epoch, step: 10, globalStep: epoch * 10 },
});
const index = (digit: string, validationError: number | null = 0.5): IndexRef => ({
  manifest: object(digit),
  digest: sha(digit),
  validationError,
});

function begun(epochs = 3): RunState {
  const bound = { configuration: sha('c'), threads: 2, finished: null };
  const state = RunState.start(Recipe.parse({ epochs }), bound, object('d'));
  state.warmStarted({ ...checkpoint(0), position: { phase: 'warm-start', epoch: 1, step: 5, globalStep: 5 } });
  state.refreshed({ index: index('a'), hostQueue: 'q' });
  return state;
}

const finished = (epoch: number) => ({ checkpoint: checkpoint(epoch), outcome: 'finished' as const, hostQueue: 'q' });

it('counts finished epochs and ends with the last one', () => {
  const state = begun(2);
  state.trained(finished(1));
  expect([state.epoch, state.hasWork()]).toEqual([1, true]);
  state.trained(finished(2));
  expect([state.epoch, state.hasWork()]).toEqual([2, false]);
});

it('P3: a stopped epoch is not counted, its checkpoint is kept, and nothing more is trained', () => {
  const state = begun();
  state.trained({ ...finished(1), outcome: 'stopped' });
  expect([state.epoch, state.hasWork(), state.checkpoint]).toEqual([0, false, checkpoint(1)]);
});

it('W2: everything survives continue-as-new, which is JSON', () => {
  const state = begun();
  state.trained(finished(1));
  state.refreshed({ index: index('b', null), hostQueue: 'q' });
  state.extend(7);
  state.requestStop();
  const resumed = RunState.resume(JSON.parse(JSON.stringify(state.carry())) as ReturnType<RunState['carry']>);
  expect(resumed.carry()).toEqual(state.carry());
  expect([resumed.stopRequested, resumed.epochs, resumed.validationErrors]).toEqual([true, 7, [0.5, null]]);
});

it('W2: extending is an absolute target, so twice is once and less is nothing', () => {
  const state = begun(3);
  state.extend(5);
  state.extend(5);
  state.extend(2);
  expect(state.epochs).toBe(5);
});

it('S8: going back restores the checkpoint and index of the epoch before, a bounded number of times', () => {
  const state = begun();
  state.trained(finished(1));
  state.refreshed({ index: index('b'), hostQueue: 'q' });
  expect(state.rewind()).toBe(true);
  expect([state.epoch, state.checkpoint?.digest, state.index?.digest, state.validationErrors]).toEqual([
    0,
    sha('0'),
    sha('a'),
    [0.5],
  ]);
  expect(state.rewind()).toBe(false); // nothing before the first epoch
});
