/**
 * The workers of one process: they live and end together. Does not know queues, nor what the workers do.
 *
 * Invariants:
 *   1  What workers share is taken away after the last of them has ended: until then they checkpoint, and the SDK refuses.
 *   2  What is thrown is the first failure. Whatever fails because of it, or while it is cleaned up after, replaces nothing.
 */

/** Of the SDK's Worker. */
export interface GroupedWorker {
  run(): Promise<void>;
  /** Begins to end it; throws unless it is running. */
  shutdown(): void;
  getState(): string;
}

/** The workers, unless one of them cannot be made. */
export async function createTogether<W extends GroupedWorker>(creations: readonly Promise<W>[]): Promise<W[]> {
  const settled = await Promise.allSettled(creations);
  const made = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed === undefined) return made;
  // One that was made holds on to the connection until it has run and ended.
  await runTogether(made, () => shutDown(made)).catch(() => undefined);
  throw failed.reason;
}

/**
 * Runs them until all have ended; one that fails shuts the others down.
 * @param onRunning told once, when every one runs
 */
export async function runTogether(workers: readonly GroupedWorker[], onRunning: () => void): Promise<void> {
  const failures: unknown[] = []; // in the order of time
  const running = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      failures.push(error);
      shutDown(workers);
    }),
  );
  onRunning();
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
}

/** Lets those that run end by themselves: their activities checkpoint first. */
export function shutDown(workers: readonly GroupedWorker[]): void {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
}

/** Runs `use`, then `close`, whose failure counts only where `use` did not fail. */
export async function closingAfter(use: () => Promise<void>, close: () => Promise<void>): Promise<void> {
  try {
    await use();
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  await close();
}
