import type { RunResult } from '../../config/artifacts';
import { comparisonTable, displayWidth, recoveryTable, resultSummary, textTable } from '../../report/text-table';

type Metrics = RunResult['metrics'];
type Readout = Metrics['trained'];

const digest = 'a'.repeat(64);
const ref = { uri: 'file:blob', sha256: digest, bytes: 1 };

function readout(labels: Readout['labels'], name: Readout['name'], error1: number, error5: number | null): Readout {
  return { name, labels, setting: { normalised: true, temperature: 0.25 }, split: 'test', error1, error5 };
}

function resultOf(objective: RunResult['objective'], readouts: Readout[], mapAtR = 0.5): RunResult {
  const retrieval = { precision1: 0.9, recall: { '1': 0.9 }, mapAtR };
  return {
    version: 1,
    run: `owls--${objective}`,
    objective,
    status: 'finished',
    epochs: 15,
    configuration: digest,
    dataSet: ref,
    checkpoint: { manifest: ref, digest, position: { phase: 'train', epoch: 15, step: 10, globalStep: 150 } },
    index: { manifest: ref, digest, validationError: null },
    evaluation: ref,
    digests: { weights: digest, index: digest, curves: digest, metrics: digest },
    metrics: {
      trained: readouts[0],
      fine: readouts.find(({ labels }) => labels === 'fine') ?? null,
      readouts,
      retrieval: { trained: retrieval, fine: null },
      baselines: { chance: { trained: 2 / 3, fine: 0.98 }, rawPixels: { trained: 0.3, fine: 0.62 } },
    },
    reproducibility: 'identical',
  };
}

/** The cells of the line that begins with a title. */
function cells(table: string, title: string): string[] {
  const line = table.split('\n').find((one) => one.trim().startsWith(title));
  return line?.trim().split(/ {2,}/) ?? [];
}

describe('columns on a terminal', () => {
  test('columns begin where the widest cell before them ends, counted in columns of the terminal', () => {
    const lines = textTable([
      ['name', 'error'],
      ['蘭の花', '1 %'],
      ['e\u0301te\u0301', '2 %'],
      ['🦉 owl', '3 %'],
    ]).split('\n');
    const starts = lines.map((line) => displayWidth(line.slice(0, line.search(/(error|\d %)$/))));
    expect(starts).toEqual([8, 8, 8, 8]);
  });

  test('control: counting code units instead misplaces wide names', () => {
    const line = textTable([
      ['abcdef', 'x'],
      ['蘭の花', 'y'],
    ]).split('\n')[1];
    expect(line.indexOf('y')).not.toBe(8);
  });

  test.each([
    ['kestrel', 7],
    ['蘭', 2],
    ['한국', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👩‍🔬', 2],
    ['❤️', 2],
    ['', 0],
  ])('%j takes %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test('what would move the cursor, colour the terminal or turn the line round is not printed', () => {
    const table = textTable([['\u001B[2J\u0007owl\u202Egnp', 'x\r\ny']]);
    expect(table).toBe('\uFFFD[2J\uFFFDowl\uFFFDgnp  x\uFFFD\uFFFDy');
  });

  test('a heading of one cell sets no width and lines end without spaces', () => {
    expect(textTable([['a', 'b'], ['a very long heading'], ['c', '']])).toBe('a  b\na very long heading\nc');
  });
});

describe('objectives side by side', () => {
  const softmax = resultOf('softmax', [
    readout('trained', 'soft-knn', 0.012, 0),
    readout('fine', 'one-nn', 0.61, 0.25),
  ]);
  const magnet = resultOf('magnet', [
    readout('trained', 'soft-knn', 0.02, 0),
    readout('trained', 'knc', 0.01, null),
    readout('fine', 'one-nn', 0.351, 0.09),
  ]);
  const table = comparisonTable([softmax, magnet]);

  test('each read-out is a row, each objective a column, the least error of a row is marked', () => {
    expect(cells(table, 'error@1')).toEqual(['error@1 / @5', 'Softmax', 'Magnet']);
    expect(cells(table, 'soft k-NN')).toEqual(['soft k-NN', '1.2 % / 0.0 % *', '2.0 % / 0.0 %']);
    expect(cells(table, '1-NN')).toEqual(['1-NN', '61.0 % / 25.0 %', '35.1 % / 9.0 % *']);
  });

  test('a read-out that one objective lacks is a dash and marks no best', () => {
    expect(cells(table, 'kNC')).toEqual(['kNC', '–', '1.0 %']);
  });

  test('of MAP@R the highest is best', () => {
    const rows = comparisonTable([softmax, resultOf('magnet', [readout('trained', 'knc', 0.1, null)], 0.7)]);
    expect(cells(rows, 'MAP@R')).toEqual(['MAP@R (higher is better)', '50.0 %', '70.0 % *']);
  });

  test('chance and raw pixels stand below each kind of labels', () => {
    expect(table.match(/^ {2}chance /gm)).toHaveLength(2);
    expect(cells(table, 'chance')).toEqual(['chance', '66.7 %', '66.7 %']);
  });

  test('the same read-out on validation and on test is two rows', () => {
    const both = resultOf('magnet', [
      readout('trained', 'knc', 0.1, null),
      { ...readout('trained', 'knc', 0.2, null), split: 'validation' },
    ]);
    const rows = comparisonTable([both]);
    expect(cells(rows, 'kNC (test)')).toEqual(['kNC (test)', '10.0 %']);
    expect(cells(rows, 'kNC (validation)')).toEqual(['kNC (validation)', '20.0 %']);
  });
});

test('a run in short: its read-outs with what was chosen, the headline marked, baselines, reproducibility', () => {
  const summary = resultSummary(
    resultOf('magnet', [readout('trained', 'knc', 0.01, null), readout('fine', 'soft-knn', 0.351, 0.09)]),
  );
  expect(summary.split('\n')[0]).toBe('owls--magnet: Magnet, finished after 15 epochs, identical');
  const short = resultSummary({ ...resultOf('magnet', [readout('trained', 'knc', 0.01, null)]), epochs: 1 });
  expect(short.split('\n')[0]).toBe('owls--magnet: Magnet, finished after 1 epoch, identical');
  expect(cells(summary, 'kNC')).toEqual(['kNC', '1.0 % *', '–', 'L2-normalised, τ = 0.25']);
  expect(cells(summary, 'soft k-NN')).toEqual(['soft k-NN', '35.1 % *', '9.0 %', 'L2-normalised, τ = 0.25']);
  expect(cells(summary, 'raw pixels')).toEqual(['raw pixels, 1-NN', '30.0 %']);
});

test('pairings are a mean and a standard deviation; no pairing, and no error@5, is a dash', () => {
  const figures = { error1: { mean: 0.128, sd: 0.001 }, error5: { mean: 0.013, sd: 0.0004 } };
  const none = { error1: { mean: 0, sd: 0 }, error5: { mean: 0, sd: 0 } };
  const table = recoveryTable([
    { objective: 'magnet', pairings: 3, ...figures },
    { objective: 'triplet', pairings: 0, ...none },
    { objective: 'softmax', pairings: 3, ...figures, error5: null },
  ]);
  expect(cells(table, 'Magnet')).toEqual(['Magnet', '3', '12.8 ± 0.1 %', '1.3 ± 0.0 %']);
  expect(cells(table, 'Triplet')).toEqual(['Triplet', '0', '–', '–']);
  expect(cells(table, 'Softmax')).toEqual(['Softmax', '3', '12.8 ± 0.1 %', '–']);
});
