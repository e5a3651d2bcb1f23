/** What a finished run says: as text for a person, as one JSON object for a program. */
import { Evaluation, type RunResult } from '../config/artifacts';
import type { Outcome } from '../config/outcome';
import { parseAtEdge } from '../config/parse';
import type { SpeedFigures } from '../config/speed';
import { speedLine } from './live-view';
import { comparisonTable, recoveryTable, resultSummary } from '../report/text-table';
import { keyOf, type ObjectStore } from '../storage/store';

/** A comparison or a recovery is finished when all the runs that were asked for are. */
export function outcomeStatus(outcome: Outcome): RunResult['status'] {
  return outcome.type === 'run' ? outcome.result.status : outcome.status;
}

/** @param speeds what each run cost, by its name */
export function outcomeJson(
  run: string,
  outcome: Outcome,
  speeds: ReadonlyMap<string, SpeedFigures | null>,
): Record<string, unknown> {
  const status = outcomeStatus(outcome);
  const resultJson = (result: RunResult): Record<string, unknown> => jsonOf(result, speeds.get(result.run) ?? null);
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

function jsonOf(
  { status, objective, epochs, metrics, digests, reproducibility }: RunResult,
  speed: SpeedFigures | null,
): Record<string, unknown> {
  return { status, objective, epochs, metrics, digests, reproducibility, speed };
}

/** What to know before trusting a figure, each thing once: it stands in the evaluations, and in the report as well. */
export async function warningsOf(store: ObjectStore, outcome: Outcome): Promise<string[]> {
  const texts = await Promise.all(
    resultsOf(outcome).map(async ({ evaluation }) => {
      const bytes = await store.get(keyOf(store, evaluation.uri));
      if (bytes === null) return []; // cleared away by hand; the result itself is whole
      return parseAtEdge(Evaluation, JSON.parse(Buffer.from(bytes).toString('utf8')), evaluation.uri, 'ArtifactCorrupt')
        .warnings;
    }),
  );
  return [...new Set(texts.flat())];
}

/**
 * @param report where the report lies, as the person would type it
 * @param speed what a single run cost; null: it was not timed, or there are several
 */
export function outcomeText(
  outcome: Outcome,
  report: string,
  warnings: readonly string[],
  speed: SpeedFigures | null,
): string {
  const cost = speed === null ? [] : [`speed: ${speedLine(speed)}`];
  return [body(outcome), ...cost, ...warnings.map((warning) => `note: ${warning}`), '', `Report: ${report}`].join('\n');
}

function body(outcome: Outcome): string {
  switch (outcome.type) {
    case 'run':
      return `${resultSummary(outcome.result)}\n${digestLine(outcome.result)}`;
    case 'comparison':
      return comparisonTable(outcome.objectives.map(({ result }) => result));
    case 'recovery':
      return recoveryTable(outcome.summary);
  }
}

function digestLine({ digests: { weights, index, curves } }: RunResult): string {
  const short = (digest: string): string => digest.slice(0, 16);
  return `digests: weights ${short(weights)}, index ${short(index)}, curves ${short(curves)}`;
}

export function resultsOf(outcome: Outcome): RunResult[] {
  switch (outcome.type) {
    case 'run':
      return [outcome.result];
    case 'comparison':
      return outcome.objectives.map(({ result }) => result);
    case 'recovery':
      return outcome.pairings.flatMap(({ objectives }) => objectives.map(({ result }) => result));
  }
}
