/**
 * Finds servers that live and do not answer: one that is stopped or stuck keeps its port, and its death never restarts it.
 * Asks now and then, with a deadline; after a while of silence the process is killed, and whoever supervises it starts it
 * again on the same port and data (E1).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessMark } from './state';

/** What is watched of a supervised server. */
export interface Watched {
  /** The process that runs now; null between two starts. */
  readonly mark: ProcessMark | null;
  /** Rejects where it does not serve. */
  check(): Promise<void>;
  /** Kills the process; it is started again. */
  restart(): void;
}

export interface Patience {
  readonly everyMs: number;
  /** An answer later than this is none. */
  readonly answerMs: number;
  /** Of a process that has answered before. */
  readonly silenceMs: number;
  /** Of one that has just been started: recovering its data takes a while. */
  readonly startMs: number;
}

export const usualPatience: Patience = { everyMs: 4000, answerMs: 8000, silenceMs: 30_000, startMs: 120_000 };

/** Watches until the signal aborts. @param onHung told before the process is killed */
export async function watchHealth(
  server: Watched,
  { everyMs, answerMs, silenceMs, startMs }: Patience,
  onHung: (silentMs: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let watched: ProcessMark | null = null;
  let lastAnswer = performance.now();
  let hasAnswered = false;
  let misses = 0;
  while (!signal.aborted) {
    const { mark } = server;
    if (mark !== watched) {
      watched = mark;
      lastAnswer = performance.now();
      hasAnswered = false;
      misses = 0;
    }
    if (mark !== null && (await answers(server, answerMs))) {
      lastAnswer = performance.now();
      hasAnswered = true;
      misses = 0;
    } else misses++;
    const silent = performance.now() - lastAnswer;
    const isHung = misses > 1 && silent > (hasAnswered ? silenceMs : startMs); // one may be of a machine that slept
    if (mark !== null && server.mark === mark && isHung && !signal.aborted) {
      onHung(silent);
      server.restart();
    }
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function answers(server: Watched, withinMs: number): Promise<boolean> {
  const late = new AbortController();
  const answer = server.check().then(
    () => true,
    () => false,
  );
  const deadline = sleep(withinMs, false, { signal: late.signal, ref: false }).catch(() => false);
  return Promise.race([answer, deadline]).finally(() => late.abort());
}
