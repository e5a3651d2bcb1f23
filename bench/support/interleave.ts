/**
 * Measures variants of one thing side by side: a process for each (own environment, own memory), one turn of each a
 * round, so that whatever else the machine does hits all alike. Knows processes and medians; not what a turn does.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface Variant {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What a worker answers to each turn. */
export interface Turn {
  readonly milliseconds: number;
  readonly peakBytes: number;
  /** Anything worth printing once, such as kernel choices. */
  readonly note: string;
}

export interface Measured {
  readonly name: string;
  /** After the warm-up, in the order of the rounds. */
  readonly milliseconds: readonly number[];
  readonly median: number;
  readonly peakBytes: number;
  readonly note: string;
}

/**
 * Forks `file` once for each variant with the variant's name as first argument, then `arguments_`.
 * Throws if a worker ends early; no worker outlives the call.
 */
export async function measureInterleaved(
  file: string,
  arguments_: readonly string[],
  variants: readonly Variant[],
  { warmUp, rounds }: { readonly warmUp: number; readonly rounds: number },
): Promise<Measured[]> {
  const workers = variants.map(({ name, environment }) =>
    fork(file, [name, ...arguments_], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );
  try {
    const turns: Turn[][] = variants.map(() => []);
    for (let round = 0; round < warmUp + rounds; round++) {
      for (const [i, worker] of workers.entries()) turns[i].push(await takeTurn(worker, variants[i].name));
    }
    return variants.map(({ name }, i) => summary(name, turns[i], warmUp));
  } finally {
    for (const worker of workers) worker.kill();
  }
}

/** The worker's side: answers every message with one turn, until the parent goes away. */
export function serveTurns(turn: () => Turn): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', () => process.send?.(turn()));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function takeTurn(worker: ChildProcess, name: string): Promise<Turn> {
  const aborted = new AbortController();
  const ended = once(worker, 'exit', { signal: aborted.signal }).then(([code]) => {
    throw new Error(`the worker of "${name}" ended with code ${String(code)}; its last words are above`);
  });
  try {
    worker.send('turn');
    const [turn] = (await Promise.race([once(worker, 'message', { signal: aborted.signal }), ended])) as [Turn];
    return turn;
  } finally {
    aborted.abort();
    ended.catch(() => undefined); // the abort itself
  }
}

function summary(name: string, turns: readonly Turn[], warmUp: number): Measured {
  const milliseconds = turns.slice(warmUp).map((turn) => turn.milliseconds);
  const last = turns[turns.length - 1];
  return { name, milliseconds, median: median(milliseconds), peakBytes: last.peakBytes, note: last.note };
}
