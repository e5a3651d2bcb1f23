/** Heartbeats of an activity from its own context: a message handler may run in the context of another (FACTS §2). */
import { Context } from '@temporalio/activity';
import type { HeartbeatDetails } from './requests';

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

const NO_PROGRESS: HeartbeatDetails = {
  phase: 'commit',
  epoch: 0,
  epochs: 0,
  step: 0,
  steps: 0,
  imagesPerSecond: null,
  loss: null,
};

/** Beats of a work that goes on while one of its commits is held up: each says the newest of both. */
export function progressBeats(tell: (details: HeartbeatDetails) => void): {
  readonly progress: (details: HeartbeatDetails) => void;
  /** @param why null: nothing holds it up any more */
  readonly holdUp: (why: string | null) => void;
} {
  let progress = NO_PROGRESS;
  let held: string | null = null;
  const beat = (): void => tell(held === null ? progress : { ...progress, holdUp: held });
  return {
    progress: (details) => {
      progress = details;
      beat();
    },
    holdUp: (why) => {
      held = why;
      beat();
    },
  };
}
