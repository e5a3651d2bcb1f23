import { beatLine, duration, Eta, LiveView, progressLines, speedLine } from '../../cli/live-view';
import type { Beat, RunView } from '../../cli/run-client';
import type { RunProgress } from '../../config/workflow-input';

const beat: Beat = {
  phase: 'train',
  epoch: 2,
  epochs: 4,
  step: 5,
  steps: 10,
  imagesPerSecond: 812.4,
  loss: 0.51234,
  pace: { stepsPerSecond: 16.923, waitShare: 0.012, residentBytes: 1.21e9, peakBytes: 1.9e9, tensors: 412 },
  holdUp: null,
};
const view: RunView = {
  run: 'groceries',
  workflowType: 'trainPipeline',
  status: 'open',
  started: new Date(0),
  closed: null,
  beat,
  retry: null,
  workerFault: false,
};
const progress: RunProgress = {
  stage: 'train',
  epoch: 1,
  epochs: 4,
  validationErrors: [null, 0.4, 0.31],
  stopRequested: false,
  speed: null,
  children: [],
};

test('a run says stage, epoch, step, rate, loss, validation error and time left', () => {
  const text = progressLines({ view, progress, children: [] }, 125).join('\n');
  for (const part of [
    'groceries: training',
    'epoch 1 of 4',
    'epoch 2/4',
    '5/10',
    '812 img/s',
    'loss 0.512',
    '31.0 %',
    'about 2 min left',
    '16.9 steps/s',
    'waiting 1.2 %',
    'memory 1.21\u00A0GB (peak 1.9\u00A0GB)',
  ])
    expect(text).toContain(part);
});

test('a comparison shows the child that trains, and how many are done', () => {
  const parent = { ...view, run: 'both', beat: null };
  const children = ['both--softmax', 'both--magnet'];
  const lines = progressLines(
    {
      view: parent,
      progress: { ...progress, children, epochs: 2, validationErrors: [] },
      children: [
        { ...view, run: 'both--softmax', status: 'completed' },
        { ...view, run: 'both--magnet' },
      ],
    },
    null,
  );
  expect(lines[0]).toContain('1 of 2 done');
  expect(lines.join('\n')).toMatch(/both--magnet: train epoch 2\/4/);
  expect(lines.join('\n')).not.toContain('both--softmax:');
});

test('a commit that does not go through is said, while the run is open', () => {
  const held = { ...view, beat: { ...beat, holdUp: 'the store has no space left. Free some\n  at line 1' } };
  const lines = progressLines({ view: held, progress, children: [] }, null);
  expect(lines.at(-1)).toBe('  groceries: held up, tried again: the store has no space left. Free some');
  const closed = { ...held, status: 'completed' as const };
  expect(progressLines({ view: closed, progress, children: [] }, null).join()).not.toMatch(/held up/);
});

test('a retry, a fault of the worker and a missing worker are said', () => {
  const retry = { activity: 'trainEpoch', attempt: 3, failure: 'the store does not answer\n  at line 1' };
  const text = progressLines({ view: { ...view, retry, workerFault: true }, progress: null, children: [] }, null).join(
    '\n',
  );
  expect(text).toContain('waiting for a worker');
  expect(text).toContain('trainEpoch, attempt 3 after: the store does not answer');
  expect(text).not.toContain('at line 1');
  expect(text).toContain('lodestone dev logs worker');
});

test('time left follows the share of steps that is done, and starts anew with each phase', () => {
  const eta = new Eta();
  expect(eta.seen({ ...beat, epoch: 1, step: 0 }, 0)).toBeNull();
  expect(eta.seen({ ...beat, epoch: 2, step: 0 }, 10_000)).toBeCloseTo(30, 5); // a quarter in 10 s
  expect(eta.seen({ ...beat, phase: 'evaluate', epoch: 1, epochs: 1, step: 9 }, 11_000)).toBeNull();
  expect(eta.seen(null, 12_000)).toBeNull();
});

test('without a terminal a line is written when something changed, at most every few seconds', () => {
  let text = '';
  const live = new LiveView({ write: (more) => (text += more) });
  live.show(['a'], 0);
  live.show(['b'], 1000);
  live.show(['b'], 6000);
  live.show(['b'], 12_000);
  live.clear();
  expect(text).toBe('a\nb\n');
});

test('on a terminal the block is drawn in place and cut to its width', () => {
  let text = '';
  const live = new LiveView({ write: (more) => (text += more), isTTY: true, columns: 6 });
  live.show(['first line', 'two'], 0);
  live.show(['third'], 10);
  live.clear();
  expect(text).toBe('first\ntwo\n\u001b[2A\u001b[0Jthird\n\u001b[1A\u001b[0J');
});

test('lines of a beat without rate, loss or steps say what there is', () => {
  const bare = { ...beat, imagesPerSecond: null, loss: null, pace: null, steps: 0, step: 0 };
  expect(beatLine(bare, null)).not.toMatch(/img|loss|memory|waiting|NaN/);
  expect([duration(5), duration(600), duration(7200)]).toEqual(['5 s', '10 min', '2.0 h']);
});

test('what a run cost is one line; what was not measured is left out', () => {
  const figures = {
    stepsPerSecond: 1.2345,
    imagesPerSecond: 59.2,
    waitShare: 0.004,
    compileSeconds: 4.21,
    warmUpSeconds: 0.9,
    residentMemoryBytes: 1e9,
    peakMemoryBytes: 1.5e9,
    tensors: 412,
  };
  expect(speedLine(figures).replaceAll('\u00A0', ' ')).toBe(
    '1.23 steps/s · 59 img/s · waiting 0.4 % · peak memory 1.5 GB · 412 tensors · compiling 4.21 s · first runs 900 ms',
  );
  const unknown = { ...figures, stepsPerSecond: null, imagesPerSecond: null, waitShare: null };
  expect(speedLine(unknown)).toMatch(/^peak memory/);
});
