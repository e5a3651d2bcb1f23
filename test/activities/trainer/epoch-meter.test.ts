/** What an epoch is measured by: a clock that is played, a tracer that is played. */
import { EpochMeter } from '../../../activities/trainer/epoch-meter';
import type { TrainWork } from '../../../activities/trainer/protocol';
import { StepProfiler } from '../../../activities/trainer/step-profiler';
import { Recipe } from '../../../config/recipe';
import type { StepPart } from '../../../config/speed';
import type { StepTracer } from '../../../engine/profile/tracer';

const work = { profile: false, load: { recipe: Recipe.parse({}) } } as unknown as TrainWork;
const step: readonly StepPart[] = ['sample', 'wait', 'upload', 'step', 'record', 'messages'];

function meter(): { meter: EpochMeter; take: (parts: readonly StepPart[], seconds: number) => void } {
  let now = 100;
  const made = new EpochMeter(work, 8, () => now);
  const take = (parts: readonly StepPart[], seconds: number): void => {
    for (const part of parts) {
      made.enter(part);
      now += seconds;
    }
    made.stepped();
  };
  return { meter: made, take };
}

test('each part gets the time from its beginning to the next one', () => {
  const { meter: made, take } = meter();
  take(['sample', 'wait', 'upload', 'compile', 'warm-up', 'record', 'messages'], 1);
  take(step, 0.5);
  expect(made.speed()).toMatchObject({
    steps: 2,
    firstRuns: 1,
    images: 16,
    seconds: { sample: 1.5, wait: 1.5, upload: 1.5, compile: 1, 'warm-up': 1, step: 0.5, record: 1.5, checkpoint: 0 },
  });
});

test('the pace is that since it was last asked, with the memory of this process', () => {
  const { meter: made, take } = meter();
  take(step, 1);
  made.pace();
  for (let i = 0; i < 4; i++) take(step, 0.5);
  const { imagesPerSecond, pace } = made.pace();
  expect(imagesPerSecond).toBeCloseTo(32 / 12, 9);
  expect(pace?.stepsPerSecond).toBeCloseTo(4 / 12, 9);
  expect(pace?.waitShare).toBeCloseTo(1 / 6, 9);
  expect(pace?.peakBytes).toBeGreaterThanOrEqual(pace?.residentBytes ?? Infinity);
  expect(pace?.residentBytes).toBeGreaterThan(1e7);
});

test('no step, no speed; no time, no pace', () => {
  const { meter: made } = meter();
  expect(made.speed()).toBeNull();
  expect(made.pace()).toEqual({ imagesPerSecond: null });
});

test('a profile is of five steps after the first three, never of a first run, and shows the median one', () => {
  const told: string[] = [];
  let at = 0;
  const node = { node: 'n', op: 'Op', device: 'CPU:0', thread: 1, start: 0, shape: null, bytes: 0 };
  const tracer: StepTracer = {
    arm: () => told.push(`arm ${at}`),
    take: () => {
      const micros = [90, 10, 50, 20, 70][at - 5];
      told.push(`take ${at}`);
      return () => [{ ...node, micros }];
    },
  };
  const profiler = new StepProfiler(tracer);
  for (at = 1; at <= 20; at++) {
    for (const part of at === 1 ? step.map((one) => (one === 'step' ? 'warm-up' : one)) : step) profiler.enter(part);
  }
  expect(told).toEqual([5, 6, 7, 8, 9].flatMap((n) => [`arm ${n}`, `take ${n}`]));
  const { traced, nodes } = profiler.result();
  expect(traced).toBe(5);
  expect(nodes?.map(({ micros }) => micros)).toEqual([50]);
});

test('too few steps are no profile', () => {
  const never = (): never => {
    throw new Error('it was traced');
  };
  const profiler = new StepProfiler({ arm: never, take: never });
  for (let i = 0; i < 3; i++) for (const part of step) profiler.enter(part);
  expect(profiler.result()).toEqual({ traced: 0, nodes: null });
});
