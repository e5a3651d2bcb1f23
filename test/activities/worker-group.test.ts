/** Several workers in one process, and what becomes of the others when one fails. Workers are played. */
import { closingAfter, createTogether, runTogether, shutDown, type GroupedWorker } from '../../activities/worker-group';

/** As the SDK's: runs until it is shut down and drained, or fails; refuses to be shut down unless it runs. */
class PlayedWorker implements GroupedWorker {
  state = 'INITIALIZED';
  private end = (): void => undefined;
  private break = (_: Error): void => undefined;

  /** @param drains whether it ends by itself once it is shut down; else when `drain` is called */
  constructor(private readonly drains = true) {}

  async run(): Promise<void> {
    this.state = 'RUNNING';
    await new Promise<void>((resolve, reject) => ([this.end, this.break] = [resolve, reject]));
  }
  shutdown(): void {
    if (this.state !== 'RUNNING') throw new Error(`Not running. Current state: ${this.state}`);
    this.state = 'DRAINING';
    if (this.drains) this.drain();
  }
  getState(): string {
    return this.state;
  }
  drain(): void {
    this.state = 'STOPPED';
    this.end();
  }
  fail(message: string): void {
    this.state = 'FAILED';
    this.break(new Error(message));
  }
}

const idle = (): void => undefined;
/** As a connection of the SDK's: not to be closed under workers. */
const closeAfter = (workers: readonly PlayedWorker[]) => (): Promise<void> =>
  workers.every(({ state }) => ['STOPPED', 'FAILED'].includes(state))
    ? Promise.resolve()
    : Promise.reject(new Error('Cannot close connection while Workers hold a reference to it'));

it('1: one that fails shuts the others down, and they have their time to end', async () => {
  const [failing, busy] = [new PlayedWorker(), new PlayedWorker(false)];
  let isOver = false;
  const running = closingAfter(() => runTogether([failing, busy], idle), closeAfter([failing, busy]))
    .catch((error: unknown) => error)
    .finally(() => (isOver = true));
  failing.fail('the first');
  await new Promise(setImmediate);
  expect(busy.state).toBe('DRAINING');
  expect(isOver).toBe(false);
  busy.drain();
  expect(await running).toEqual(new Error('the first'));
});

it('2: a failure that follows from the first does not replace it, whatever their order', async () => {
  const workers = [new PlayedWorker(false), new PlayedWorker()];
  const running = runTogether(workers, idle);
  workers[1].fail('the first');
  await new Promise(setImmediate);
  workers[0].fail('forced to end');
  await expect(running).rejects.toThrow('the first');
});

it('2: a connection that cannot be closed does not hide why it is closed', async () => {
  const close = (): Promise<void> => Promise.reject(new Error('it cannot be closed'));
  await expect(closingAfter(() => Promise.reject(new Error('the cause')), close)).rejects.toThrow('the cause');
  await expect(closingAfter(() => Promise.resolve(), close)).rejects.toThrow('it cannot be closed');
});

it('1, 2: one that cannot be made ends those that were made, also those that are made later', async () => {
  const [early, late] = [new PlayedWorker(), new PlayedWorker()];
  const slow = new Promise<PlayedWorker>((resolve) => setImmediate(() => resolve(late)));
  const broken = Promise.reject<PlayedWorker>(new Error('no such bundle'));
  const creating = closingAfter(
    async () => void (await createTogether([Promise.resolve(early), broken, slow])),
    closeAfter([early, late]),
  );
  await expect(creating).rejects.toThrow('no such bundle');
  expect([early.state, late.state]).toEqual(['STOPPED', 'STOPPED']);
});

it('told once that all run; all end when they are shut down, however often', async () => {
  const workers = [new PlayedWorker(), new PlayedWorker()];
  let told = 0;
  const running = runTogether(await createTogether(workers.map((one) => Promise.resolve(one))), () => {
    told += 1;
    expect(workers.map(({ state }) => state)).toEqual(['RUNNING', 'RUNNING']);
  });
  shutDown(workers);
  shutDown(workers);
  await running;
  expect(told).toBe(1);
});
