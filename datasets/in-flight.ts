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
  private readonly waiting: { readonly age: number; readonly go: () => void }[] = [];

  constructor(private free: number) {}

  /** For a new work, younger than all before; what it returns makes a call of that work in a lane. */
  forWork(): <R>(call: () => Promise<R>) => Promise<R> {
    const age = this.works++;
    return async (call) => {
      if (this.free > 0) this.free--;
      else await new Promise<void>((go) => this.waiting.push({ age, go }));
      try {
        return await call();
      } finally {
        this.passOn();
      }
    };
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
