/** Work on many items of which a bounded number are under way. */

/** Maps in order with a bounded number of calls under way; the first failure ends it, after those under way have settled. */
export async function mapInFlight<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, place: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const place = next++;
      try {
        results[place] = await map(items[place], place);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}

/**
 * A bound that several works share. A lane that gets free goes to the oldest work that waits for one: works end one after the
 * other, so that what follows the last item of one passes beside the items of the next.
 */
export class Lanes {
  private works = 0;
  private waiting: { readonly age: number; readonly go: () => void; readonly end: (reason: unknown) => void }[] = [];

  constructor(private free: number) {}

  /**
   * For a new work, younger than all before; what it returns makes a call of that work in a lane. Once the signal aborts or a
   * call fails, the calls of that work that still wait are not made: they reject with the same reason.
   */
  forWork(signal?: AbortSignal): <R>(call: () => Promise<R>) => Promise<R> {
    const age = this.works++;
    const end = (reason: unknown): void => {
      const ended = this.waiting.filter((one) => one.age === age);
      this.waiting = this.waiting.filter((one) => one.age !== age);
      for (const one of ended) one.end(reason);
    };
    signal?.addEventListener('abort', () => end(signal.reason), { once: true });
    return async (call) => {
      signal?.throwIfAborted();
      await this.enter(age);
      try {
        return await call();
      } catch (error) {
        end(error);
        throw error;
      } finally {
        this.passOn();
      }
    };
  }

  private async enter(age: number): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((go, end) => this.waiting.push({ age, go, end }));
  }

  private passOn(): void {
    if (this.waiting.length === 0) {
      this.free++;
      return;
    }
    const oldest = this.waiting.reduce((old, one) => (one.age < old.age ? one : old));
    this.waiting.splice(this.waiting.indexOf(oldest), 1);
    oldest.go();
  }
}
