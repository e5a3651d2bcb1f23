/** From the outcomes of the bench of preprocessing to its tables. */
import { quantile, type Outcome } from './interleave';
import type { Table } from './record';

/** Images a second, as shares of the faster of the rows of bare sharp. */
export function ratesTable(
  title: string,
  outcomes: readonly Outcome[],
  { rounds, processes }: { readonly rounds: number; readonly processes: number },
): Table {
  const rates = outcomes.map((outcome) =>
    outcome.type === 'measured'
      ? outcome.milliseconds.map((milliseconds) => (1000 * (outcome.values?.['images'] ?? NaN)) / milliseconds)
      : [],
  );
  const bare = Math.max(
    0,
    ...outcomes.flatMap(({ name, type }, i) =>
      name.startsWith('bare') && type === 'measured' ? [quantile(rates[i], 0.5)] : [],
    ),
  );
  return {
    bench: 'preprocess',
    title,
    about: `${processes} processes each, ${rounds} rounds; a round is the whole folder. The pixels of all rows are the same.`,
    columns: ['', 'images/s', 'share of bare sharp', 'peak MiB'],
    rows: outcomes.map((outcome, i) => {
      if (outcome.type === 'failed') return [outcome.name, 'failed', '–', '–'];
      const [first, middle, third] = [0.25, 0.5, 0.75].map((share) => quantile(rates[i], share));
      return [
        outcome.name,
        `${middle.toFixed(0)} (${first.toFixed(0)}–${third.toFixed(0)})`,
        bare > 0 ? `${((100 * middle) / bare).toFixed(1)} %` : '–',
        (outcome.peakBytes / 2 ** 20).toFixed(0),
      ];
    }),
    notes: notesOf(outcomes),
  };
}

/** The share of an epoch that goes by between asking for a batch and having it. */
export function waitTable(outcomes: readonly Outcome[], rounds: number, threads: number): Table {
  return {
    bench: 'preprocess',
    title: 'Waiting for batches: Magnet, 12 × 4 images of 64 px, from shards in the cache',
    about: `A training session of the product, ${threads} threads, ${rounds} rounds; a round is an epoch.`,
    columns: ['', 'ms a step', 'of them waiting', 'share'],
    rows: outcomes.map((outcome) => {
      if (outcome.type === 'failed' || outcome.waitedMs === undefined) return [outcome.name, 'failed', '–', '–'];
      const { milliseconds, waitedMs } = outcome;
      const shares = waitedMs.map((waited, i) => waited / milliseconds[i]);
      return [
        outcome.name,
        quantile(milliseconds, 0.5).toFixed(2),
        quantile(waitedMs, 0.5).toFixed(2),
        `${(100 * quantile(shares, 0.5)).toFixed(2)} %`,
      ];
    }),
    notes: notesOf(outcomes),
  };
}

function notesOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => `${outcome.name}: ${outcome.type === 'failed' ? outcome.why : outcome.note}`);
}
