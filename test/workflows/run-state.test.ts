import { RunState } from '../../workflows/run-state';
import { Recipe } from '../../config/recipe';
import type { CheckpointRef, IndexRef, ObjectRef } from '../../config/artifacts';
import { stepParts, type EpochSpeed } from '../../config/speed';

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

describe('S8: going back', () => {
  function trainedTo(epochs: number): RunState {
    const state = begun(9);
    for (let epoch = 1; epoch <= epochs; epoch++) {
      state.trained(finished(epoch));
      state.refreshed({ index: index('abcdef'[epoch]), hostQueue: 'q' });
    }
    return state;
  }
  const place = (state: RunState) => ({
    epoch: state.epoch,
    checkpoint: state.checkpoint?.digest,
    index: state.index?.digest,
    errors: state.validationErrors.length,
  });
  const beginning = { epoch: 0, checkpoint: undefined, index: undefined, errors: 0 };

  it('to the checkpoint that is known to be good, with the index that was made from it', () => {
    const state = trainedTo(3);
    expect(state.rewind(sha('1'))).toBe(true);
    expect(place(state)).toEqual({ epoch: 1, checkpoint: sha('1'), index: sha('b'), errors: 2 });
  });

  it('to the epoch before where the good one is not known, then to the beginning', () => {
    const state = trainedTo(3);
    state.rewind(null);
    expect(place(state)).toEqual({ epoch: 2, checkpoint: sha('2'), index: sha('c'), errors: 3 });
    state.rewind(null);
    expect(place(state)).toEqual(beginning);
    expect(state.warmStart).toBeNull();
  });

  it('to the beginning where the good one is no longer kept, or nothing is', () => {
    for (const [state, lastGood] of [
      [trainedTo(5), sha('1')],
      [begun(), null],
    ] as const) {
      expect(state.rewind(lastGood)).toBe(true);
      expect(place(state)).toEqual(beginning);
    }
  });

  it('a bounded number of times, counted anew where the run gets further than ever', () => {
    const state = trainedTo(2);
    const goBackAndRepeat = (): boolean => {
      if (!state.rewind(null)) return false;
      while (state.epoch < 2) state.trained(finished(state.epoch + 1));
      return true;
    };
    expect([1, 2, 3, 4].map(goBackAndRepeat)).toEqual([true, true, true, false]);
    state.trained(finished(3));
    expect(state.rewind(null)).toBe(true);
  });
});

it('progress says what the epoch trained last cost; one that was found done leaves that as it is', () => {
  const state = begun();
  expect(state.progress().speed).toBeNull();
  const seconds = Object.fromEntries(stepParts.map((part) => [part, part === 'step' ? 2 : 0])) as EpochSpeed['seconds'];
  const speed = { steps: 10, firstRuns: 0, images: 80, seconds, residentBytes: 1, peakBytes: 2, tensors: 3 };
  state.trained({ ...finished(1), speed });
  expect(state.progress().speed).toMatchObject({ stepsPerSecond: 5, imagesPerSecond: 40, peakMemoryBytes: 2 });
  state.trained(finished(2));
  expect(state.progress().speed).toMatchObject({ stepsPerSecond: 5 });
});
