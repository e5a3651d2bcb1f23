/** From outcomes to the tables of preprocessing, retrieval and start-up. */
import type { Outcome } from '../../../bench/support/interleave';
import { ratesTable, waitTable } from '../../../bench/support/preprocess-tables';
import { requireAgreement, tableOf } from '../../../bench/support/search-bench';
import { startTable } from '../../../bench/support/start-up-table';

type Measured = Extract<Outcome, { type: 'measured' }>;
const measured = (name: string, milliseconds: readonly number[], more: Partial<Measured> = {}): Outcome => ({
  type: 'measured',
  name,
  milliseconds,
  peakBytes: 300 * 2 ** 20,
  baseBytes: 1,
  note: 'its note',
  startSeconds: 1,
  ...more,
});
const failed: Outcome = { type: 'failed', name: 'peer', why: 'failed: no such module' };

test('images a second stand beside those of the faster bare row', () => {
  const values = { images: 500 };
  const { rows, notes } = ratesTable(
    'photos',
    [
      measured('lodestone, pack', [500, 250, 1000], { values }), // 1000, 2000 and 500 images/s
      measured('bare sharp, bytes', [1000], { values }),
      measured('bare sharp, paths', [400], { values }),
      failed,
    ],
    { rounds: 2, processes: 1 },
  );
  expect(rows.map((row) => row.slice(0, 3))).toEqual([
    ['lodestone, pack', '1000 (750–1500)', '80.0 %'],
    ['bare sharp, bytes', '500 (500–500)', '40.0 %'],
    ['bare sharp, paths', '1250 (1250–1250)', '100.0 %'],
    ['peer', 'failed', '–'],
  ]);
  expect(notes).toContain('peer: failed: no such module');
});

test('the share of waiting is that of each epoch, not of the medians', () => {
  const { rows } = waitTable([measured('float32', [10, 40, 20], { waitedMs: [1, 1, 1] }), failed], 3, 2);
  expect(rows).toEqual([
    ['float32', '20.00', '1.00', '5.00 %'],
    ['peer', 'failed', '–', '–'],
  ]);
});

test('values stand beside the times, and must be those of ours', () => {
  const outcomes = [
    measured('lodestone', [500], { values: { 'MAP@R': 0.25 } }),
    measured('peer', [1000], { values: { 'MAP@R': 0.2500004 } }),
  ];
  const table = tableOf({ bench: 'retrieval', title: 't', about: 'a' }, [...outcomes, failed]);
  expect(table.columns.at(-1)).toBe('MAP@R');
  expect(table.rows).toEqual([
    ['lodestone', '0.500', '1.00 ×', '300', '0.250000'],
    ['peer', '1.000', '0.50 ×', '300', '0.250000'],
    ['peer', 'failed', '–', '–', '–'],
  ]);
  expect(() => requireAgreement([...outcomes, failed], 1e-6)).not.toThrow();
  expect(() => requireAgreement(outcomes, 1e-7)).toThrow(/MAP@R: lodestone has 0.25, peer has 0.2500004/);
  expect(() => requireAgreement([outcomes[0], measured('peer', [1], { values: { other: 1 } })], 1)).toThrow(
    /undefined/,
  );
  expect(() => requireAgreement([measured('sklearn', [1])], 0)).not.toThrow(); // names none
});

test('a start stands beside its floor and its target', () => {
  const words = { title: 't', about: 'What is timed.', targetMs: 150 };
  const { rows, about } = startTable(words, [measured('node', [40]), measured('lodestone', [100, 120, 110])], 3);
  expect(about).toBe('What is timed. 3 rounds.');
  expect(rows).toEqual([
    ['node', '40 (40–40)', '–', '–'],
    ['lodestone', '110 (105–115)', '70', '< 150'],
  ]);
});
