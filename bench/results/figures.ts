/** The columns of result tables: which error of a run stands in them, and how several runs become one cell. */
import type { Metrics } from './product';

type ErrorOf = (metrics: Metrics) => number | null;

function readout(
  labels: 'trained' | 'fine',
  name: string,
  error: 'error1' | 'error5' = 'error1',
  split: 'test' | 'validation' = 'test',
): ErrorOf {
  return ({ readouts }) =>
    readouts.find((found) => found.labels === labels && found.name === name && found.split === split)?.[error] ?? null;
}

export const fine = {
  softKnn: readout('fine', 'soft-knn'),
  softKnn5: readout('fine', 'soft-knn', 'error5'),
  oneNn: readout('fine', 'one-nn'),
  kncRefit: readout('fine', 'knc-refit'),
  validation: readout('fine', 'soft-knn', 'error1', 'validation'),
} as const;

export const trained = {
  headline: ({ trained: { error1 } }: Metrics): number => error1,
  softKnn: readout('trained', 'soft-knn'),
  softKnn5: readout('trained', 'soft-knn', 'error5'),
  oneNn: readout('trained', 'one-nn'),
  validation: ({ readouts }: Metrics): number | null =>
    readouts.find(({ labels, split }) => labels === 'trained' && split === 'validation')?.error1 ?? null,
} as const;

export type Column = readonly [title: string, of: ErrorOf];

export const recoveredColumns: readonly Column[] = [
  ['trained labels @1', trained.headline],
  ['fine: soft-kNN @1', fine.softKnn],
  ['@5', fine.softKnn5],
  ['1-NN', fine.oneNn],
  ['kNC refit', fine.kncRefit],
];

export const classifiedColumns: readonly Column[] = [
  ['headline @1', trained.headline],
  ['soft-kNN @1', trained.softKnn],
  ['@5', trained.softKnn5],
  ['1-NN', trained.oneNn],
];

/** A cell for each column: mean ± sample standard deviation over the runs, in percent. */
export function cellsOf(columns: readonly Column[], runs: readonly Metrics[]): string[] {
  return columns.map(([, of]) => spread(runs.map(of)));
}

export function spread(errors: readonly (number | null)[]): string {
  const known = errors.filter((error) => error !== null);
  if (known.length === 0 || known.length < errors.length) return '–';
  const middle = mean(known);
  if (known.length === 1) return percent(middle);
  return `${percent(middle)} ± ${percent(deviation(known))}`;
}

/** Sample standard deviation. */
export function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function percent(share: number): string {
  return (100 * share).toFixed(1);
}
