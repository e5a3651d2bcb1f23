/** From starts to the table of a case: times, and what stands above the floor, the first row. */
import { quantile, type Outcome } from './interleave';
import type { Table } from './record';

export interface StartCaseWords {
  readonly title: string;
  readonly about: string;
  /** For the last row. */
  readonly targetMs: number;
}

export function startTable(
  { title, about, targetMs }: StartCaseWords,
  outcomes: readonly Outcome[],
  rounds: number,
): Table {
  const medianOf = (outcome: Outcome): number =>
    outcome.type === 'measured' ? quantile(outcome.milliseconds, 0.5) : NaN;
  return {
    bench: 'start-up',
    title,
    about: `${about} ${rounds} rounds.`,
    columns: ['', 'ms', 'above the first row', 'target'],
    rows: outcomes.map((outcome, i) => {
      if (outcome.type === 'failed') return [outcome.name, 'failed', '–', '–'];
      const [first, middle, third] = [0.25, 0.5, 0.75].map((share) => quantile(outcome.milliseconds, share));
      const above = middle - medianOf(outcomes[0]);
      return [
        outcome.name,
        `${middle.toFixed(0)} (${first.toFixed(0)}–${third.toFixed(0)})`,
        i > 0 && Number.isFinite(above) ? above.toFixed(0) : '–',
        i === outcomes.length - 1 ? `< ${targetMs}` : '–',
      ];
    }),
    notes: outcomes.map((outcome) => `${outcome.name}: ${outcome.type === 'failed' ? outcome.why : outcome.note}`),
  };
}
