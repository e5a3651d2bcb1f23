/** Bringing one server of the stack up: asked until it serves, given up when it keeps dying or takes too long. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LodestoneError } from '../../errors';
import { requireRoom } from './disk';
import type { Supervised } from './supervised';

const START_TIMEOUT_MS = 120_000;
const CHECK_PAUSE_MS = 150;
/** A server that died this often before it served will not come up. */
const DEATHS_BEFORE_GIVING_UP = 3;

interface Starting {
  readonly title: string;
  readonly server: Supervised;
  /** Where its data lies. */
  readonly folder: string;
  readonly log: string;
}

/** @throws DiskFull, TemporalUnavailable or StoreUnavailable where it does not come up; RunStopped on abort */
export async function untilServing({ title, server, folder, log }: Starting, signal: AbortSignal): Promise<void> {
  const startedMs = Date.now();
  for (;;) {
    const failure = await server.check().then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null && server.mark !== null) return;
    if (signal.aborted) throw new LodestoneError('RunStopped', 'the local stack was stopped while it started');
    const late = Date.now() - startedMs > START_TIMEOUT_MS;
    if (late || server.restarts >= DEATHS_BEFORE_GIVING_UP) {
      await requireRoom(folder);
      throw new LodestoneError(
        server.program.name === 'temporal' ? 'TemporalUnavailable' : 'StoreUnavailable',
        `${title}: ${late ? `did not serve within ${START_TIMEOUT_MS / 1000} s` : `ended ${server.restarts} times before it served`}. ` +
          `Its log says why: ${log}`,
        { cause: failure },
      );
    }
    await sleep(CHECK_PAUSE_MS);
  }
}
