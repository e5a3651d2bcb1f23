/**
 * Measures variants of one thing side by side: a process for each (own environment, own memory), one turn of each a
 * round, so that whatever else the machine does hits all alike. A variant may be any program that speaks the protocol:
 * it prints a JSON line when it is ready, and one for each line that it reads (`turn`); it ends when its input does.
 * Knows processes and medians; not what a turn does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LastWords } from '../../activities/trainer/last-words';
import { LodestoneError } from '../../errors';

export interface Variant {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The first line of a worker. */
export interface Ready {
  /** Memory before the work began: runtime and libraries. */
  readonly baseBytes: number;
  /** Anything worth printing once, such as kernel choices. */
  readonly note: string;
  /** What came out, by name, where contestants must come to the same. */
  readonly values?: Readonly<Record<string, number>>;
}

/** What a worker answers to each turn. */
export interface Turn {
  /** Of one step: the median of those in the turn, without the first, which finds cold caches. */
  readonly milliseconds: number;
  /** How much of it went by waiting for input, where that is what is asked. */
  readonly waitedMs?: number;
  /** The most the process ever held. */
  readonly peakBytes: number;
}

export type Outcome = { readonly name: string } & (
  | {
      readonly type: 'measured';
      /** After the warm-up, in the order of the rounds. */
      readonly milliseconds: readonly number[];
      /** Beside them, where the worker tells. */
      readonly waitedMs?: readonly number[];
      readonly peakBytes: number;
      readonly baseBytes: number;
      readonly note: string;
      readonly values?: Readonly<Record<string, number>>;
      /** From its start to the end of its first turn: loading, tracing, compiling. */
      readonly startSeconds: number;
    }
  | { readonly type: 'failed'; readonly why: string }
);

export interface Rounds {
  readonly warmUp: number;
  readonly rounds: number;
}

/** Compiling a large network takes minutes in some peers. */
const START_LIMIT_MS = 900_000;
const TURN_LIMIT_MS = 300_000;

/**
 * Starts the variants one after the other, then takes rounds. One that fails is left out from there on, and its outcome
 * says why; no worker outlives the call.
 * @param say progress in words
 */
export async function measureInterleaved(
  variants: readonly Variant[],
  { warmUp, rounds }: Rounds,
  say: (line: string) => void,
): Promise<Outcome[]> {
  const contestants: Contestant[] = [];
  try {
    for (const variant of variants) {
      const contestant = new Contestant(variant);
      contestants.push(contestant);
      await contestant.start();
      say(`  ${variant.name}: ${contestant.failure ?? `ready after ${contestant.startSeconds.toFixed(1)} s`}`);
    }
    for (let round = 0; round < warmUp + rounds; round++) {
      for (const contestant of contestants) await contestant.takeTurn();
      const last = contestants.map(({ turns, failure }) =>
        failure ? '–' : turns[turns.length - 1].milliseconds.toFixed(1),
      );
      say(`  ${round < warmUp ? 'warm-up' : `round ${round - warmUp + 1} of ${rounds}`}: ${last.join(' · ')} ms`);
    }
    return contestants.map((contestant) => contestant.outcome(warmUp));
  } finally {
    for (const contestant of contestants) contestant.end();
  }
}

/** What a worker has prepared. */
export interface Work extends Omit<Ready, 'baseBytes'> {
  /** @returns milliseconds, or what else a turn says too */
  readonly turn: () => Promise<number | Omit<Turn, 'peakBytes'>>;
}

/** The worker's side: prepares, then answers every line with one turn, until its input ends. */
export function serveTurns(prepare: () => Work | Promise<Work>): void {
  const baseBytes = peakBytes();
  let busy = Promise.resolve().then(async () => {
    const { turn, ...ready } = await prepare();
    print({ baseBytes, ...ready } satisfies Ready);
    return turn;
  });
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => {
    busy = busy.then(async (turn) => {
      const took = await turn();
      const timed = typeof took === 'number' ? { milliseconds: took } : took;
      print({ ...timed, peakBytes: peakBytes() } satisfies Turn);
      return turn;
    });
    busy.catch(fail);
  });
  lines.on('close', () => process.exit(0));
  busy.catch(fail);
}

/** What its last line says is kept by whoever started the worker (LastWords). */
function fail(error: unknown): never {
  console.error(error instanceof LodestoneError ? error.message : error);
  process.exit(1);
}

/** Time of one of `steps` steps: the median without the first, which finds what other processes left in the caches. */
export async function medianStep(steps: number, step: () => void | Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < steps + 1; i++) {
    const start = performance.now();
    await step();
    times.push(performance.now() - start);
  }
  return median(times.slice(1));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between the two nearest. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/** One variant's process. A failure ends it and is kept in words. */
class Contestant {
  readonly turns: Turn[] = [];
  failure: string | undefined;
  startSeconds = NaN;
  private ready: Ready | undefined;
  private child: ChildProcess | undefined;
  private readonly words = new LastWords();
  private waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;

  constructor(private readonly variant: Variant) {}

  async start(): Promise<void> {
    const begun = performance.now();
    const [program, ...args] = this.variant.command;
    const child = spawn(program, args, {
      env: { ...process.env, ...this.variant.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.words.add(text));
    child.stdin.on('error', () => undefined); // its end is heard of by 'close'
    child.once('error', (error) => this.waiting?.reject(error));
    child.once('close', (code, signal) => this.waiting?.reject(new Error(`ended with ${signal ?? `code ${code}`}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) this.waiting?.resolve(line); // libraries print too
    });
    await this.attempt(async () => {
      this.ready = JSON.parse(await this.nextLine(START_LIMIT_MS)) as Ready;
      await this.turn(START_LIMIT_MS); // compiles
      this.startSeconds = (performance.now() - begun) / 1000;
    });
  }

  async takeTurn(): Promise<void> {
    if (this.failure === undefined) await this.attempt(() => this.turn(TURN_LIMIT_MS));
  }

  outcome(warmUp: number): Outcome {
    const { name } = this.variant;
    if (this.failure !== undefined || this.ready === undefined) {
      return { name, type: 'failed', why: this.failure ?? 'it never started' };
    }
    const { peakBytes: peak } = this.turns[this.turns.length - 1];
    const counted = this.turns.slice(warmUp + 1); // the start took one
    const milliseconds = counted.map((turn) => turn.milliseconds);
    const waitedMs = counted.flatMap((turn) => turn.waitedMs ?? []);
    return {
      name,
      type: 'measured',
      milliseconds,
      ...(waitedMs.length > 0 ? { waitedMs } : {}),
      peakBytes: peak,
      startSeconds: this.startSeconds,
      ...this.ready,
    };
  }

  end(): void {
    this.waiting = undefined;
    this.child?.kill('SIGKILL');
  }

  private async turn(limitMs: number): Promise<void> {
    this.child?.stdin?.write('turn\n');
    this.turns.push(JSON.parse(await this.nextLine(limitMs)) as Turn);
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const said = this.words.line;
      this.failure =
        `failed: ${error instanceof Error ? error.message : String(error)}${said === '' ? '' : `: ${said}`}`.slice(
          0,
          300,
        );
      this.end();
    }
  }

  private nextLine(limitMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(`no answer in ${limitMs / 1000} s`))), limitMs);
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.waiting = undefined;
        how();
      };
      this.waiting = {
        resolve: (line) => settle(() => resolve(line)),
        reject: (error) => settle(() => reject(error)),
      };
    });
  }
}

function print(line: Ready | Turn): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
