/** Hung servers: the rule on a fake one, then the real ones, stopped by a signal that leaves them alive. */
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { watchHealth, type Patience, type Watched } from '../../../infra/stack/health';
import { buildGuardian, endAll, freshStateDir, markOfProcess, s3Client, stateOf, until, up } from './support';

jest.setTimeout(300_000); // the guardian is patient on purpose: a busy machine is not a hung server
afterAll(async () => {
  expect(await endAll()).toEqual([]); // no process is left behind
});

/** A server whose answers and process a test decides. */
class Fake implements Watched {
  mark = { pid: 1, started: '1' };
  answers: 'at once' | 'never' | 'with an error' = 'at once';
  checks = 0;
  restarts = 0;

  check(): Promise<void> {
    this.checks += 1;
    if (this.answers === 'never') return new Promise(() => undefined);
    return this.answers === 'at once' ? Promise.resolve() : Promise.reject(new Error('no'));
  }

  restart(): void {
    this.restarts += 1;
    this.mark = { pid: this.mark.pid + 1, started: '2' };
  }
}

const patience: Patience = { everyMs: 5, answerMs: 20, silenceMs: 60, startMs: 100_000 };

async function watching(server: Fake, work: (hung: () => number) => Promise<void>): Promise<void> {
  const end = new AbortController();
  let hung = 0;
  const watch = watchHealth(server, patience, () => (hung += 1), end.signal);
  try {
    await work(() => hung);
  } finally {
    end.abort();
    await watch;
  }
}

test.each(['never', 'with an error'] as const)(
  'a server that answered once and then %s is killed once',
  async (how) => {
    const server = new Fake();
    await watching(server, async (hung) => {
      await until('it answers', () => server.checks > 2);
      expect(server.restarts).toBe(0);
      server.answers = how;
      await until('it is killed', () => server.restarts === 1);
      const { checks } = server;
      await until('its successor is asked for a while', () => server.checks > checks + 5);
      expect([server.restarts, hung()]).toEqual([1, 1]); // the new process has the patience of a start
    });
  },
);

test('a server that answers is left alone, and so is one that is between two starts', async () => {
  const server = new Fake();
  await watching(server, async () => {
    await until('it answers', () => server.checks > 20);
    Object.assign(server, { mark: null });
    await new Promise((resolve) => setTimeout(resolve, 3 * patience.silenceMs));
    expect(server.restarts).toBe(0);
  });
});

test('E1: Temporal and MinIO that live but do not answer come back on the same ports and data', async () => {
  buildGuardian();
  const stateDir = freshStateDir();
  const stack = await up(stateDir);
  const store = s3Client(stack);
  const at = { Bucket: 'lodestone', Key: 'kept' };
  await store.send(new PutObjectCommand({ ...at, Body: 'kept' }));
  const temporal = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
    const connection = await Connection.connect({ address: stack.endpoints.temporalAddress, connectTimeout: '2s' });
    try {
      return await connection.withDeadline(Date.now() + 5000, () => use(new Client({ connection })));
    } finally {
      await connection.close();
    }
  };
  await temporal((client) => client.workflow.start('unknown', { workflowId: 'kept', taskQueue: 'nobody' }));
  await new Promise((resolve) => setTimeout(resolve, 5000)); // until both have answered the guardian once

  const { ports } = stateOf(stateDir);
  const before = { temporal: markOfProcess(stateDir, 'temporal'), s3: markOfProcess(stateDir, 's3') };
  for (const { pid } of Object.values(before)) process.kill(pid, 'SIGSTOP');
  await until('Temporal is back', () => markOfProcess(stateDir, 'temporal').pid !== before.temporal.pid, 120_000);
  await until('MinIO is back', () => markOfProcess(stateDir, 's3').pid !== before.s3.pid, 120_000);
  expect(stateOf(stateDir).ports).toEqual(ports);
  expect(
    await until('history', () =>
      temporal(async (client) => (await client.workflow.getHandle('kept').describe()).status.name),
    ),
  ).toBe('RUNNING');
  expect(
    await until('object', async () => (await store.send(new GetObjectCommand(at))).Body?.transformToString()),
  ).toBe('kept');
  store.destroy();
  await stack.release();
});
