import { outcomeJson, outcomeStatus, outcomeText } from '../../cli/outcome';
import { statusOf, type Outcome } from '../../config/outcome';
import { speedFigures, stepParts, type EpochSpeed } from '../../config/speed';
import { outcomeOf, resultOf } from './support';

const report = { uri: 's3://lodestone/runs/mine/report.html', sha256: 'f'.repeat(64), bytes: 10 };
const comparison = (...statuses: ('finished' | 'stopped')[]): Outcome => ({
  type: 'comparison',
  name: 'mine',
  status: statusOf(
    statuses.map((status) => ({ status })),
    statuses.length,
  ),
  objectives: statuses.map((status, i) => {
    const objective = (['softmax', 'triplet', 'magnet'] as const)[i];
    const run = `mine--${objective}`;
    return { objective, run, result: resultOf(run, { objective, status }) };
  }),
  report,
});

test('a run says itself, its status, metrics and digests', () => {
  expect(outcomeJson('mine', outcomeOf('mine', report), new Map())).toMatchObject({
    run: 'mine',
    status: 'finished',
    metrics: { trained: { error1: 0.25 }, fine: { error1: 0.5 } },
    digests: { weights: '1'.repeat(64), index: '2'.repeat(64), curves: '3'.repeat(64) },
  });
});

test('a comparison says each of its runs by name', () => {
  expect(outcomeJson('mine', comparison('finished', 'finished'), new Map())).toMatchObject({
    run: 'mine',
    status: 'finished',
    objectives: [{ run: 'mine--softmax' }, { run: 'mine--triplet' }],
  });
});

test('what a run cost stands beside its metrics; null where nothing was timed', () => {
  const speed = speedFigures([
    {
      steps: 10,
      firstRuns: 0,
      images: 80,
      seconds: Object.fromEntries(stepParts.map((part) => [part, 1])) as EpochSpeed['seconds'],
      residentBytes: 1e9,
      peakBytes: 2e9,
      tensors: 40,
    },
  ]);
  const json = outcomeJson('mine', comparison('finished', 'finished'), new Map([['mine--softmax', speed]]));
  expect(json).toMatchObject({
    objectives: [{ speed: { stepsPerSecond: 10 / 7, waitShare: 1 / 7, peakMemoryBytes: 2e9 } }, { speed: null }],
  });
});

test('one stopped run makes the whole stopped', () => {
  expect(outcomeStatus(comparison('finished', 'stopped'))).toBe('stopped');
  expect(outcomeStatus(comparison('finished', 'finished'))).toBe('finished');
});

test('so does one that was asked for and never began', () => {
  const finished = { status: 'finished' } as const;
  expect([statusOf([finished], 2), statusOf([finished, finished], 2)]).toEqual(['stopped', 'finished']);
});

test('a person reads errors beside raw pixels and chance, and where the report lies', () => {
  const text = outcomeText(comparison('finished', 'finished', 'finished'), 'reports/mine.html', [], null);
  for (const part of ['Softmax', 'Triplet', 'Magnet', '25.0 %', '50.0 %', 'raw pixels', 'chance', 'reports/mine.html'])
    expect(text).toContain(part);
});

test('what a run cost is said before the report, which is the last line', () => {
  const speed = { stepsPerSecond: 2, imagesPerSecond: 96, waitShare: 0.01, compileSeconds: 1, warmUpSeconds: 1 };
  const memory = { residentMemoryBytes: 1e9, peakMemoryBytes: 2e9, tensors: 40 };
  const text = outcomeText(outcomeOf('mine', report), 'reports/mine.html', [], { ...speed, ...memory });
  expect(text).toMatch(/\nspeed: 2 steps\/s · 96 img\/s · [^]*\nReport: reports\/mine\.html$/);
});

test('a recovery says mean and spread over pairings', () => {
  const spread = (mean: number): { mean: number; sd: number } => ({ mean, sd: 0.01 });
  const text = outcomeText(
    {
      type: 'recovery',
      name: 'mine',
      status: 'finished',
      pairings: [],
      summary: [{ objective: 'magnet', pairings: 3, error1: spread(0.142), error5: spread(0.014) }],
      report,
    },
    'reports/mine.html',
    ['clustersPerClass: got 8, lowered'],
    null,
  );
  expect(text).toContain('note: clustersPerClass: got 8, lowered\n');
  expect(text).toMatch(/Magnet\s+3\s+14\.2.*±.*1\.0/);
});
