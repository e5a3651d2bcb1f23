/** Heartbeats of an activity from its own context: a message handler may run in the context of another (FACTS §2). */
import { Context } from '@temporalio/activity';

const BEAT_MS = 2_000;

/** Beats every 2 s with the newest details for as long as `use` runs (P5). */
export async function beating<D, T>(use: (tell: (details: D) => void, signal: AbortSignal) => Promise<T>): Promise<T> {
  const activity = Context.current();
  let latest: D | undefined;
  const beat = (): void => activity.heartbeat(latest);
  beat();
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await use((details) => (latest = details), activity.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}
