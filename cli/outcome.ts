/** What a finished run says: as text for a person, as one JSON object for a program. */
import type { RunResult } from '../config/artifacts';
import { comparisonTable, recoveryTable, resultSummary } from '../report/text-table';
import type { Outcome } from './run-client';

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
