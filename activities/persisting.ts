/** Commits that outlast a store which is away for a while (S7). */
import { LodestoneError } from '../errors';

const COMMIT_TRIES = 20;

/**
 * Tries again while the store or the disk may come back, and fails, typed, after about ten minutes.
 * @param tell what holds the commit up, for whoever watches; null when it went through
 */
export async function persisting<T>(commit: () => Promise<T>, tell: (holdUp: string | null) => void): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      const committed = await commit();
      if (tries > 1) tell(null);
      return committed;
    } catch (error) {
      const passing =
        error instanceof LodestoneError && (error.kind === 'StoreUnavailable' || error.kind === 'DiskFull');
      if (!passing || tries >= COMMIT_TRIES) throw error;
      tell(error.message);
      await new Promise((resolve) => setTimeout(resolve, Math.min(30_000, 500 * 2 ** tries)));
    }
  }
}
