/**
 * Runs side by side: one row for each figure, one cell for each run, the best marked. Pages and terminal print these.
 */
import { type Readout, type RunResult } from '../config/artifacts';
import { readoutTitles } from './wording';

export interface ComparisonRow {
  readonly group: 'trained' | 'fine';
  readonly title: string;
  /** One for each run, in order; null where a run has no such figure. */
  readonly cells: readonly (ComparisonCell | null)[];
}

export interface ComparisonCell {
  readonly at1: number;
  readonly at5: number | null;
  /** Settings are chosen per run. */
  readonly setting: Readout['setting'];
  /** Whether no other run is better; never where there is none to compare with. */
  readonly best: boolean;
}

type Figure = Omit<ComparisonCell, 'best'>;

export function comparisonRows(results: readonly RunResult[]): ComparisonRow[] {
  return (['trained', 'fine'] as const).flatMap((group) => [
    ...readoutRows(results, group),
    ...rowOf(results, group, 'MAP@R (higher is better)', 'high', ({ metrics }) =>
      plain(metrics.retrieval[group]?.mapAtR),
    ),
  ]);
}

function readoutRows(results: readonly RunResult[], group: ComparisonRow['group']): ComparisonRow[] {
  const all = results.flatMap(({ metrics }) => metrics.readouts.filter(({ labels }) => labels === group));
  const splits = new Set(all.map(({ split }) => split));
  const keys = [...new Set(all.map(({ name, split }) => `${name} ${split}`))];
  return keys.flatMap((key) => {
    const [name, split] = key.split(' ') as [Readout['name'], Readout['split']];
    const title = splits.size > 1 ? `${readoutTitles[name]} (${split})` : readoutTitles[name];
    return rowOf(results, group, title, 'low', ({ metrics }) => {
      const found = metrics.readouts.find((one) => one.labels === group && one.name === name && one.split === split);
      return found ? { at1: found.error1, at5: found.error5, setting: found.setting } : null;
    });
  });
}

function rowOf(
  results: readonly RunResult[],
  group: ComparisonRow['group'],
  title: string,
  better: 'low' | 'high',
  figureOf: (result: RunResult) => Figure | null,
): ComparisonRow[] {
  const figures = results.map(figureOf);
  const values = figures.flatMap((figure) => (figure ? [figure.at1] : []));
  if (values.length === 0) return [];
  const best = better === 'low' ? Math.min(...values) : Math.max(...values);
  const cells = figures.map((figure) => figure && { ...figure, best: values.length > 1 && figure.at1 === best });
  return [{ group, title, cells }];
}

function plain(value: number | undefined): Figure | null {
  return value === undefined ? null : { at1: value, at5: null, setting: null };
}
