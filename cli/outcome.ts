/** What a finished run says: as text for a person, as one JSON object for a program. */
import type { Readout, RunResult } from '../config/artifacts';
import type { Outcome } from './run-client';
import { percent } from './live-view';

/** A comparison or a recovery is finished when all its runs are. */
export function outcomeStatus(outcome: Outcome): 'finished' | 'stopped' {
  return resultsOf(outcome).every(({ status }) => status === 'finished') ? 'finished' : 'stopped';
}

export function outcomeJson(run: string, outcome: Outcome): Record<string, unknown> {
  const status = outcomeStatus(outcome);
  switch (outcome.type) {
    case 'run':
      return { run, ...resultJson(outcome.result) };
    case 'comparison':
      return {
        run,
        status,
        objectives: outcome.objectives.map(({ objective, run: child, result }) => ({
          run: child,
          objective,
          ...resultJson(result),
        })),
      };
    case 'recovery':
      return {
        run,
        status,
        summary: outcome.summary,
        pairings: outcome.pairings.map(({ pairing, objectives }) => ({
          pairing,
          objectives: objectives.map(({ run: child, result }) => ({ run: child, ...resultJson(result) })),
        })),
      };
  }
}

function resultJson({
  status,
  objective,
  epochs,
  metrics,
  digests,
  reproducibility,
}: RunResult): Record<string, unknown> {
  return { status, objective, epochs, metrics, digests, reproducibility };
}

/** @param report where the report lies, as the person would type it */
export function outcomeText(outcome: Outcome, report: string): string {
  return `${body(outcome)}\n\nReport: ${report}`;
}

function body(outcome: Outcome): string {
  switch (outcome.type) {
    case 'run':
      return summary(outcome.result);
    case 'comparison':
      return table(outcome.objectives.map(({ result }) => result));
    case 'recovery':
      return aligned([
        ['objective', 'pairings', 'fine error@1', 'fine error@5'],
        ...outcome.summary.map(({ objective, pairings, error1, error5 }) => [
          objective,
          String(pairings),
          `${percent(error1.mean)} ± ${(100 * error1.sd).toFixed(1)}`,
          `${percent(error5.mean)} ± ${(100 * error5.sd).toFixed(1)}`,
        ]),
      ]);
  }
}

function summary({ run, objective, epochs, status, metrics, digests }: RunResult): string {
  const rows = metrics.readouts.map((readout) => [
    readout.labels,
    readout.name,
    percent(readout.error1),
    fifth(readout),
  ]);
  const { trained, fine } = metrics.baselines.rawPixels;
  return [
    `${run}: ${status}, ${objective}, ${epochs} epochs`,
    aligned([['labels', 'read-out', 'error@1', 'error@5'], ...rows]),
    `raw pixels, nearest neighbour: ${percent(trained)} trained${fine === null ? '' : `, ${percent(fine)} fine`}`,
    `weights ${digests.weights.slice(0, 16)} · index ${digests.index.slice(0, 16)} · curves ${digests.curves.slice(0, 16)}`,
  ].join('\n');
}

function table(results: readonly RunResult[]): string {
  return aligned([
    ['objective', 'trained error@1', 'fine error@1', 'fine error@5', 'read-out'],
    ...results.map(({ objective, metrics: { trained, fine } }) => [
      objective,
      percent(trained.error1),
      fine ? percent(fine.error1) : '–',
      fine ? fifth(fine) : '–',
      (fine ?? trained).name,
    ]),
  ]);
}

function fifth({ error5 }: Readout): string {
  return error5 === null ? '–' : percent(error5);
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

function resultsOf(outcome: Outcome): RunResult[] {
  switch (outcome.type) {
    case 'run':
      return [outcome.result];
    case 'comparison':
      return outcome.objectives.map(({ result }) => result);
    case 'recovery':
      return outcome.pairings.flatMap(({ objectives }) => objectives.map(({ result }) => result));
  }
}
