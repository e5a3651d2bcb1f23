/** From outcomes to the table of a case, and from tables to the page. */
import { trainCases } from '../../../bench/support/cases';
import { tableOf, type Contestant } from '../../../bench/support/engine-bench';
import type { Outcome } from '../../../bench/support/interleave';
import { merged, pageOf, textOf, type Kept, type Table } from '../../../bench/support/record';

const MiB = 2 ** 20;
const measured = (name: string, milliseconds: readonly number[]): Outcome => ({
  type: 'measured',
  name,
  milliseconds,
  peakBytes: 300 * MiB,
  baseBytes: 100 * MiB,
  note: 'its note',
  startSeconds: 1.25,
});
const row = (
  name: string,
  who: Contestant['who'],
  variant: string,
  precision: Contestant['precision'],
): Contestant => ({
  row: name,
  who,
  variant,
  precision,
});
const rows = [
  row('ours', 'ours', 'compiled', 'float32'),
  row('ours, bf16', 'ours', 'bf16', 'bf16'),
  row('stock', 'ours', 'stock', 'float32'),
  row('peer', 'peer', 'eager', 'float32'),
  row('peer, compiled', 'peer', 'compile', 'float32'),
  row('peer, bf16', 'peer', 'bf16', 'bf16'),
];
const one = trainCases[0]; // 8 images

const table = (outcomes: readonly Outcome[], which = rows): Table =>
  tableOf('train-step', one, which, outcomes, { rounds: 3 }, { threads: 2, device: 'cpu' });

test('each row is compared with the fastest peer of its precision, and with stock', () => {
  const {
    rows: cells,
    notes,
    about,
  } = table([
    measured('ours', [100, 200, 300]),
    measured('ours, bf16', [100, 100, 100]),
    measured('stock', [800, 800, 800]),
    measured('peer', [400, 400, 400]),
    measured('peer, compiled', [300, 300, 300]),
    { type: 'failed', name: 'peer, bf16', why: 'failed: no such kernel' },
  ]);
  expect(cells[0]).toEqual(['ours', '200 (150–250)', '40', '1.50 ×', '4.00 ×', '300', '100', '1.3 s']);
  expect(cells[1].slice(0, 5)).toEqual(['ours, bf16', '100.0 (100.0–100.0)', '80', '–', '8.00 ×']); // no bf16 peer
  expect(cells[4][3]).toBe('1.00 ×');
  expect(cells[5]).toEqual(['peer, bf16', 'failed', '–', '–', '–', '–', '–', '–']);
  expect(notes.at(-1)).toBe('peer, bf16: failed: no such kernel');
  expect(about).toMatch(/2 threads each, 3 rounds/);
});

test('figures of a GPU stand in a table of their own, which says that neither side used TF32', () => {
  const on = (device: 'cpu' | 'gpu'): Table =>
    tableOf('train-step', one, rows.slice(0, 1), [measured('ours', [1])], { rounds: 3 }, { threads: 2, device });
  expect(on('gpu')).toMatchObject({ title: `${one.title}, on the GPU`, about: expect.stringMatching(/without TF32/) });
  expect(on('cpu')).toMatchObject({ title: one.title, about: expect.not.stringMatching(/TF32/) });
});

test('without peers or stock there is nothing to compare with', () => {
  expect(table([measured('ours', [1])], rows.slice(0, 1)).rows[0].slice(3, 5)).toEqual(['–', '–']);
});

describe('the page', () => {
  const stamp = { date: '2026-01-02', machine: 'a machine', command: 'npm run bench' };
  const kept = (bench: string, title: string, date = stamp.date): Kept[number] => ({
    ...stamp,
    date,
    bench,
    title,
    about: 'What was done.',
    columns: ['', 'ms'],
    rows: [['a row', '1.0']],
    notes: ['a note'],
  });

  test('keeps the last figures of what was not measured again, in a fixed order', () => {
    const before = [kept('other', 'x'), kept('forward', 'f'), kept('train-step', 't')];
    const after = merged(before, [kept('forward', 'f', '2026-03-04'), kept('forward', 'g')]);
    expect(after.map(({ bench, title, date }) => `${bench} ${title} ${date}`)).toEqual([
      'train-step t 2026-01-02',
      'forward f 2026-03-04',
      'forward g 2026-01-02',
      'other x 2026-01-02',
    ]);
  });

  test('has machine, date and command beside each table', () => {
    const page = pageOf([kept('train-step', 't')]);
    expect(page).toContain('## train-step');
    expect(page).toContain('2026-01-02, a machine. `npm run bench`');
    expect(page).toContain('|  | ms |\n|---|---:|\n| a row | 1.0 |');
    expect(page).toContain('- a note');
  });

  test('and the terminal shows aligned columns', () => {
    expect(textOf(kept('train-step', 'title'))).toBe('title\n        ms\na row  1.0\na note');
  });
});
