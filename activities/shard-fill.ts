/**
 * Shards that go on filling behind a work: what was computed of unverified records waits for them (P7), and a shard that cannot
 * be had ends the work with that reason.
 */

/** Of `filled`, from when it is watched until it is let go. */
export class ShardFill {
  private underWay = true;
  private failure: Error | null = null;

  /** @param onFailure told once, as soon as a shard cannot be had; not after `release` */
  constructor(
    private readonly filled: Promise<void>,
    private onFailure: () => void,
  ) {
    filled.then(
      () => (this.underWay = false),
      (error: unknown) => {
        this.underWay = false;
        this.failure = error instanceof Error ? error : new Error(String(error));
        this.onFailure();
      },
    );
  }

  /** The work is over: a shard that still comes behind it, and fails, ends nobody else's. */
  release(): void {
    this.onFailure = () => undefined;
  }

  get isUnderWay(): boolean {
    return this.underWay;
  }

  throwFailure(): void {
    if (this.failure !== null) throw this.failure;
  }

  /** Until every shard is there, or the signal aborts; null: nothing ends the wait before. Rejects where one cannot be had. */
  async done(letGo: AbortSignal | null): Promise<void> {
    await (letGo === null ? this.filled : Promise.race([this.filled, aborted(letGo)]));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
