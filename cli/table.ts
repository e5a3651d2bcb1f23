/**
 * Results as plain text in columns. Every figure comes from a result as it is stored; nothing is computed here.
 */
import type { Readout, RunResult } from '../config/artifacts';
import { percent } from './live-view';

/** `trained` or `fine`: whose classes a figure is about. */
type Labels = Readout['labels'];

const NONE = '–';

/**
 * One row for each objective, raw pixels and chance beside them: error on the labels as trained, then how well the fine
 * labels (where there are none: the trained ones) are read out of the embedding.
 */
export function comparisonTable(results: readonly RunResult[]): string {
  const labels: Labels = results.some(({ metrics }) => metrics.fine !== null) ? 'fine' : 'trained';
  const baselines = results[0]?.metrics.baselines;
  return aligned([
    [
      'objective',
      'trained @1',
      `${labels} soft-kNN @1`,
      `${labels} soft-kNN @5`,
      `${labels} 1-NN`,
      `${labels} kNC refit`,
    ],
    ...results.map(({ objective, metrics }) => {
      const readout = (name: Readout['name']): Readout | undefined =>
        metrics.readouts.find((one) => one.name === name && one.labels === labels);
      return [
        objective,
        percent(metrics.trained.error1),
        shown(readout('soft-knn')?.error1),
        shown(readout('soft-knn')?.error5),
        shown(readout('one-nn')?.error1),
        shown((readout('knc-refit') ?? readout('knc'))?.error1),
      ];
    }),
    ...(baselines === undefined
      ? []
      : [
          ['raw pixels', shown(baselines.rawPixels.trained), NONE, NONE, shown(baselines.rawPixels[labels]), NONE],
          ['chance', ...[baselines.chance.trained, baselines.chance[labels]].map(shown), NONE, NONE, NONE],
        ]),
  ]).concat('\nErrors on the test images; less is better.');
}

/** Columns padded to their widest cell. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shown(share: number | null | undefined): string {
  return share === null || share === undefined ? NONE : percent(share);
}
