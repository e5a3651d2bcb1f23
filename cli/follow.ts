/**
 * Following a run to its end: looks every second, draws what it sees, passes Ctrl-C on as a stop. The run does not depend
 * on it: a follower that dies changes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Outcome } from '../config/outcome';
import { LodestoneError } from '../errors';
import { toLodestoneError } from './failures';
import { Eta, LiveView, progressLines, type Seen } from './live-view';
import { askProgress, hasWorker, outcomeOf, signalStop, viewRun } from './run-client';
import type { OutputStream } from './settings';

const LOOK_EVERY_MS = 1000;
/** How long the server may be silent before it is given up: the guardian brings a killed one back sooner. */
const SILENCE_MS = 90_000;
const NO_WORKER_AFTER_MS = 15_000;
export const NO_WORKER =
  'No worker listens on the task queue lodestone. Start one where the images are: npx lodestone worker --role all';

export interface FollowOptions {
  readonly stream: OutputStream;
  /** The command that goes on with the run. */
  readonly resume: string;
  /** Whether Ctrl-C asks the run to stop; otherwise it just ends the view. */
  readonly stopOnInterrupt: boolean;
  /** Of room for the servers, which fall silent when there is none; null: there is room. */
  readonly shortage: () => Promise<LodestoneError | null>;
  /** Rejects when the servers are taken down; null: nobody here could hear of it. */
  readonly takenDown: Promise<never> | null;
}

/** @throws what the run failed with; Interrupted where a person left */
export async function followRun(client: Client, run: string, options: FollowOptions): Promise<Outcome> {
  const live = new LiveView(options.stream);
  const interrupts = new Interrupts(() => void stop());
  const over = new AbortController();
  const say = (line: string): void => {
    live.clear();
    options.stream.write(`${line}\n`);
  };
  const stop = async (): Promise<void> => {
    if (!options.stopOnInterrupt) return interrupts.leave();
    say(`Stopping ${run} at a checkpoint; Ctrl-C again leaves at once. It goes on with: ${options.resume}`);
    await signalStop(client, run).catch((error: unknown) => say(toLodestoneError(error).message));
  };
  try {
    const closed = untilClosed({ client, run, shortage: options.shortage, live, say, over: over.signal });
    closed.catch(() => undefined); // where another of these came first
    await Promise.race([closed, interrupts.left, ...(options.takenDown ? [options.takenDown] : [])]);
    live.clear();
    return await outcomeOf(client, run);
  } finally {
    over.abort();
    live.clear();
    interrupts.end();
  }
}

interface Following extends Pick<FollowOptions, 'shortage'> {
  readonly client: Client;
  readonly run: string;
  readonly live: LiveView;
  readonly say: (line: string) => void;
  /** Nobody looks any more. */
  readonly over: AbortSignal;
}

async function untilClosed({ client, run, shortage: shortageNow, live, say, over }: Following): Promise<void> {
  const eta = new Eta();
  const beganMs = Date.now();
  let answeredMs = beganMs;
  let warned = false;
  let lines: readonly string[] = [];
  for (;;) {
    const seen = await look(client, run).catch((error: unknown) => {
      const failure = toLodestoneError(error);
      if (failure.kind !== 'TemporalUnavailable' || Date.now() - answeredMs > SILENCE_MS) throw failure;
      return null;
    });
    const shortage = await shortageNow();
    if (over.aborted) return;
    const nowMs = Date.now();
    if (seen !== null) {
      answeredMs = nowMs;
      if (seen.view.status !== 'open') return;
      const active =
        seen.view.beat ?? seen.children.find(({ status, beat }) => status === 'open' && beat)?.beat ?? null;
      lines = progressLines(seen, eta.seen(active, nowMs));
      if (!warned && seen.progress === null && nowMs - beganMs > NO_WORKER_AFTER_MS) {
        warned = true;
        if (!(await hasWorker(client).catch(() => true))) say(NO_WORKER);
      }
    }
    live.show(shortage === null ? lines : [...lines, `  little room: ${shortage.message}`], nowMs);
    await sleep(LOOK_EVERY_MS);
  }
}

async function look(client: Client, run: string): Promise<Seen> {
  const view = await viewRun(client, run);
  if (view === null)
    throw new LodestoneError(
      'RunNotFound',
      `run ${run}: is not on this Temporal server. \`lodestone list\` shows the runs there are.`,
    );
  if (view.status !== 'open') return { view, progress: null, children: [] };
  const progress = await askProgress(client, run);
  const children = await Promise.all((progress?.children ?? []).map((child) => viewRun(client, child)));
  return { view, progress, children: children.filter((child) => child !== null) };
}

/** The view was left while the run goes on. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Ctrl-C and SIGTERM: the first asks, the second leaves. */
class Interrupts {
  readonly left: Promise<never>;
  private reject: (reason: Interrupted) => void = () => undefined;
  private count = 0;

  constructor(private readonly first: () => void) {
    this.left = new Promise<never>((_, reject) => (this.reject = reject));
    this.left.catch(() => undefined);
    process.on('SIGINT', this.onSignal).on('SIGTERM', this.onSignal);
  }

  leave(): void {
    this.reject(new Interrupted('left the view; the run goes on'));
  }

  end(): void {
    process.off('SIGINT', this.onSignal).off('SIGTERM', this.onSignal);
  }

  private readonly onSignal = (): void => {
    this.count += 1;
    if (this.count === 1) this.first();
    else this.leave();
  };
}
