/**
 * What is worth another try when a trainer is lost, and for how often. Does not know what the work is.
 *
 *   P4  A dead trainer is respawned and the work goes on from the last commit; five times without a later one is NoProgress.
 */
import { LodestoneError } from '../errors';

const MAX_RECOVERIES = 5;

/** The trainers lost since the last progress. */
export class Losses {
  private lost = 0;
  private outOfMemory = 0;

  /** Something was committed: the count begins anew. */
  progressed(): void {
    this.lost = 0;
    this.outOfMemory = 0;
  }

  /** @returns whether a failure is worth another try: a lost trainer is; out of memory once (the device was ours alone) */
  add(error: unknown): boolean {
    if (!(error instanceof LodestoneError)) return false;
    if (error.kind === 'TrainerLost') this.lost += 1;
    else if (error.kind === 'OutOfMemory') this.outOfMemory += 1;
    else return false;
    return this.outOfMemory < 2;
  }

  /** Throws NoProgress where there were so many that another try leads nowhere. @param where they were lost */
  refuseTooMany(where: string, error: unknown): void {
    const count = this.lost + this.outOfMemory;
    if (count >= MAX_RECOVERIES) throw noProgress(count, where, error);
  }
}

/**
 * Tries again after a lost trainer (P4).
 * @param signal no try begins after it
 * @param attempt calls `progressed` when something was committed: the count of losses begins anew
 */
export async function recovering<R>(signal: AbortSignal, attempt: (progressed: () => void) => Promise<R>): Promise<R> {
  const losses = new Losses();
  for (;;) {
    if (signal.aborted) throw signal.reason;
    try {
      return await attempt(() => losses.progressed());
    } catch (error) {
      if (!losses.add(error)) throw error;
      losses.refuseTooMany('this work', error);
    }
  }
}

function noProgress(recoveries: number, where: string, error: unknown): LodestoneError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LodestoneError(
    'NoProgress',
    `trainer: lost ${recoveries} times in ${where} without a later checkpoint: ${reason} ` +
      'Look at memory and at the device, then start the run again.',
    { cause: error },
  );
}
