/** The local stack on real servers: leases, kills, ports and data. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { ensureStack, stackStatus, stopStack, untilUnheldEnds, type StackHandle } from '../../../infra/stack/client';
import { readEnvironment } from '../../../config/environment';
import { isAlive } from '../../../infra/stack/processes';
import { send, tryConnect } from '../../../infra/stack/protocol';
import { socketAddress } from '../../../infra/stack/state';
import { freePort, hasServer } from '../../storage/support/servers';
import {
  buildGuardian,
  endAll,
  freshStateDir,
  markOfProcess,
  projectRoot,
  s3Client,
  stateOf,
  until,
  untilStopped,
  up,
} from './support';

jest.setTimeout(90_000);
beforeAll(buildGuardian);
afterAll(async () => {
  expect(await endAll()).toEqual([]); // no process is left behind
});

const sleeper = [process.execPath, '-e', 'setInterval(() => {}, 1000)'] as const;
const workerCommand = [...sleeper] as [string, ...string[]];

async function withTemporal<T>(stack: StackHandle, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: stack.endpoints.temporalAddress });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
const startWorkflow = (stack: StackHandle, workflowId: string) =>
  withTemporal(stack, (client) => client.workflow.start('unknown', { workflowId, taskQueue: 'nobody' }));
const describeWorkflow = (stack: StackHandle, workflowId: string) =>
  withTemporal(stack, async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name);
const putObject = (stack: StackHandle, Key: string) =>
  s3Client(stack).send(new PutObjectCommand({ Bucket: 'lodestone', Key, Body: Key }));
const getObject = async (stack: StackHandle, Key: string) =>
  (await s3Client(stack).send(new GetObjectCommand({ Bucket: 'lodestone', Key }))).Body?.transformToString();

const failure = (use: Promise<unknown>): Promise<{ kind: string; message: string }> =>
  use.then(
    () => Promise.reject(new Error('it was expected to fail')),
    (error: unknown) => error as { kind: string; message: string },
  );

describe('one stack through its life', () => {
  const stateDir = freshStateDir();
  let stack: StackHandle;
  let lines: string[];

  beforeAll(async () => {
    lines = [];
    stack = await up(stateDir, { worker: 'all', workerCommand, onProgress: (line) => lines.push(line) });
    await startWorkflow(stack, 'kept');
    await putObject(stack, 'kept');
  });

  test('says what it does, serves on loopback, keeps its secrets in one file of mode 0600', async () => {
    expect(lines.join('\n')).toMatch(/Temporal: starting on 127\.0\.0\.1:\d+[\s\S]*Temporal: serves after/);
    expect(stack.environment).toMatchObject({
      TEMPORAL_ADDRESS: stack.endpoints.temporalAddress,
      LODESTONE_STORE: 's3://lodestone',
      LODESTONE_STORE_ENDPOINT: stack.endpoints.s3Endpoint,
      AWS_REGION: 'us-east-1',
    });
    const own = { AWS_SESSION_TOKEN: 'of the person', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    expect(readEnvironment({ ...own, ...stack.environment }).credentials?.sessionToken).toBeNull();
    expect((await fetch(stack.endpoints.temporalUi)).status).toBe(200);
    expect(statSync(join(stateDir, 'credentials.json')).mode & 0o777).toBe(0o600);
    const { AWS_SECRET_ACCESS_KEY: secret } = stack.environment;
    for (const { pid } of stateOf(stateDir).processes)
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(secret);
    for (const file of readdirSync(join(stateDir, 'logs')))
      expect(readFileSync(join(stateDir, 'logs', file), 'utf8')).not.toContain(secret);
  });

  test.each([
    ['wrong', 'f'.repeat(32)],
    ['shorter', 'f'],
    ['as many characters in more bytes', 'é'.repeat(32)],
  ])('a stranger whose token is %s gets no answer, and the guardian lives', async (_, token) => {
    const guardian = markOfProcess(stateDir, 'guardian');
    const socket = await tryConnect(socketAddress(stateDir));
    if (socket === null) throw new Error('no guardian listens');
    const answers: string[] = [];
    socket.on('data', (data) => answers.push(String(data)));
    send(socket, { type: 'status', token });
    await once(socket, 'close');
    expect(answers).toEqual([]);
    expect(await stackStatus(stateDir)).toMatchObject({ type: 'running', guardian: guardian.pid });
  });

  test('the worker gets the servers and credentials of the stack', () => {
    const environment = readFileSync(`/proc/${markOfProcess(stateDir, 'worker').pid}/environ`, 'utf8').split('\0');
    for (const [name, value] of Object.entries(stack.environment)) expect(environment).toContain(`${name}=${value}`);
  });

  test.each(['temporal', 's3', 'worker'] as const)(
    'E1: %s killed comes back on the same port and data',
    async (name) => {
      const before = markOfProcess(stateDir, name);
      const { ports } = stateOf(stateDir);
      process.kill(before.pid, 'SIGKILL');
      await until(`${name} is back`, () => markOfProcess(stateDir, name).pid !== before.pid);
      expect(await until('history', () => describeWorkflow(stack, 'kept'))).toBe('RUNNING');
      expect(await until('object', () => getObject(stack, 'kept'))).toBe('kept');
      expect(stateOf(stateDir).ports).toEqual(ports);
    },
  );

  test('E1: a killed guardian: its orphans are ended, another goes on with ports and data, the holder keeps its lease', async () => {
    const { ports, processes } = stateOf(stateDir);
    const guardian = markOfProcess(stateDir, 'guardian');
    process.kill(guardian.pid, 'SIGKILL');
    const second = await up(stateDir);
    expect(processes.filter(isAlive)).toEqual([]);
    expect(markOfProcess(stateDir, 'guardian').pid).not.toBe(guardian.pid);
    expect(stateOf(stateDir).ports).toEqual(ports);
    expect(await getObject(second, 'kept')).toBe('kept');
    expect(await describeWorkflow(second, 'kept')).toBe('RUNNING');
    await until('the first holder is back, and with it the worker', () => markOfProcess(stateDir, 'worker'));
    await second.release();
  });

  test('a process that only has a recorded pid is left alone', async () => {
    await stack.release();
    await untilStopped(stateDir);
    const state = stateOf(stateDir);
    const bystander = { name: 'worker' as const, pid: process.pid, started: '1' };
    writeFileSync(join(stateDir, 'state.json'), JSON.stringify({ ...state, processes: [bystander] }));
    stack = await up(stateDir); // had it been signalled, this test would be gone
    expect(
      stateOf(stateDir)
        .processes.map(({ name }) => name)
        .sort(),
    ).toEqual(['s3', 'temporal']);
  });

  test('down and up again keep data and ports', async () => {
    expect(await getObject(stack, 'kept')).toBe('kept');
    expect(await describeWorkflow(stack, 'kept')).toBe('RUNNING');
  });

  test('another kind of S3 server is refused while this one runs', async () => {
    const error = await failure(up(stateDir, { s3: 'versitygw' }));
    expect(error).toMatchObject({ kind: 'InvalidConfig', message: expect.stringContaining('lodestone dev down') });
  });

  test('a detached run holds the stack until its workflow is closed', async () => {
    const run = await up(stateDir, { lease: { type: 'run', name: 'kept' }, worker: 'all', workerCommand });
    await run.release();
    await stack.release();
    await new Promise((resolve) => setTimeout(resolve, 7500)); // longer than grace and check
    expect(await stackStatus(stateDir)).toMatchObject({ type: 'running', leases: [{ type: 'run', name: 'kept' }] });
    const { processes } = stateOf(stateDir);
    expect(processes).toHaveLength(3);
    await withTemporal(stack, (client) => client.workflow.getHandle('kept').terminate());
    await untilStopped(stateDir);
    expect(processes.filter(isAlive)).toEqual([]);
  });
});

test('two commands at once share one guardian; dev up outlives its command; dev down ends all', async () => {
  const stateDir = freshStateDir();
  const [one, two] = await Promise.all([up(stateDir), up(stateDir, { lease: { type: 'permanent' } })]);
  expect(one.endpoints).toEqual(two.endpoints);
  expect(stateOf(stateDir).processes).toHaveLength(2);
  await Promise.all([one.release(), two.release()]);
  await new Promise((resolve) => setTimeout(resolve, 3000)); // longer than the grace
  expect(await stackStatus(stateDir)).toMatchObject({ type: 'running', leases: [{ type: 'permanent' }] });
  const { processes } = stateOf(stateDir);

  // Its guardian killed, `dev down` still ends what runs.
  process.kill(markOfProcess(stateDir, 'guardian').pid, 'SIGKILL');
  await until('orphaned', async () => (await stackStatus(stateDir)).type === 'orphaned');
  expect(await stopStack(stateDir)).toBe(true);
  expect(processes.filter(isAlive)).toEqual([]);
  expect(await stackStatus(stateDir)).toEqual({ type: 'stopped' });
  expect(stateOf(stateDir).leases).toEqual([]);
  expect(await stopStack(stateDir)).toBe(false);
});

test('a stack that was let go of is waited for until nothing of it runs; one that is held is not waited for', async () => {
  const stateDir = freshStateDir();
  const stack = await up(stateDir);
  await untilUnheldEnds(stateDir);
  expect(await stackStatus(stateDir)).toMatchObject({ type: 'running', leases: [{ type: 'command', name: 'test' }] });
  const guardian = markOfProcess(stateDir, 'guardian');
  const servers = stateOf(stateDir).processes;
  await stack.release();
  await untilUnheldEnds(stateDir);
  expect(servers.filter(isAlive)).toEqual([]);
  await until('the guardian is gone', () => !isAlive(guardian) || null, 2000);
});

test('a taken port is named with its holder and the way out; the stack ends again', async () => {
  const stateDir = freshStateDir();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const error = await failure(up(stateDir, { ports: { s3: port } }));
  expect(error.kind).toBe('PortTaken');
  expect(error.message).toContain(`ports.s3: got ${port}`);
  expect(error.message).toContain(`(pid ${process.pid})`);
  expect(server.listening).toBe(true);
  server.close();
  await untilStopped(stateDir);
});

test('ports that are asked for while others start the stack on other ports are refused, not ignored', async () => {
  const stateDir = freshStateDir();
  const ports = await Promise.all([freePort(), freePort()]);
  const wishes = ports.map((temporal) => up(stateDir, { ports: { temporal } })); // whichever of them comes first
  const [one, other] = await Promise.allSettled(wishes);
  const [held, refused] = one.status === 'fulfilled' ? [one, other] : [other, one];
  expect(refused).toMatchObject({ status: 'rejected', reason: { kind: 'InvalidConfig' } });
  if (held.status === 'fulfilled') await held.value.release();
  await untilStopped(stateDir);
});

test('a kind of S3 server that cannot be started is not that of last time; nothing was started for it', async () => {
  const stateDir = freshStateDir();
  const root = freshStateDir();
  mkdirSync(join(root, '.lodestone'));
  symlinkSync(join(projectRoot, 'dist'), join(root, 'dist'));
  const toolchain = JSON.parse(readFileSync(join(projectRoot, '.lodestone/toolchain.json'), 'utf8')) as object;
  writeFileSync(join(root, '.lodestone/toolchain.json'), JSON.stringify({ ...toolchain, versitygw: null }));
  const error = await failure(up(stateDir, { projectRoot: root, s3: 'versitygw' }));
  expect(error).toMatchObject({ kind: 'ToolMissing', message: expect.stringMatching(/TEMPORAL_ADDRESS/) });
  expect(stateOf(stateDir)).toMatchObject({ s3: 'minio', processes: [] });
  const stack = await up(stateDir, { projectRoot: root });
  await stack.release();
  await untilStopped(stateDir);
});

test('a proxy of the environment is not between the stack and its own servers', async () => {
  const stateDir = freshStateDir();
  const proxies = { http_proxy: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9', no_proxy: 'localhost' };
  const before = { ...process.env };
  Object.assign(process.env, proxies);
  try {
    const stack = await up(stateDir);
    const connection = await Connection.connect(stack.connection);
    await connection.close();
    await stack.release();
  } finally {
    for (const name of Object.keys(proxies)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
  await untilStopped(stateDir);
});

test('who holds a stack hears that it is taken down, and nothing when it lets go itself', async () => {
  const stateDir = freshStateDir();
  const heard: string[] = [];
  const one = await up(stateDir);
  void one.stopped.then(() => heard.push('one'));
  await one.release();
  const other = await up(stateDir);
  void other.stopped.then(() => heard.push('other'));
  await stopStack(stateDir);
  await other.stopped;
  expect(heard).toEqual(['other']);
});

test('a stack whose state directory is deleted ends; the next command gets one of its own', async () => {
  const stateDir = freshStateDir();
  await up(stateDir, { lease: { type: 'permanent' } });
  const { processes } = stateOf(stateDir);
  const guardian = markOfProcess(stateDir, 'guardian');
  rmSync(stateDir, { recursive: true });
  mkdirSync(stateDir);
  const stack = await up(stateDir);
  expect(isAlive(guardian)).toBe(false);
  expect(processes.filter(isAlive)).toEqual([]);
  await putObject(stack, 'new');
  await stack.release();
  await untilStopped(stateDir);
});

test('E2: a Temporal database without its ready mark is replaced', async () => {
  const stateDir = freshStateDir();
  await (await up(stateDir)).release();
  await untilStopped(stateDir);
  const database = join(stateDir, 'minio/temporal.db');
  rmSync(join(stateDir, 'minio/temporal.ready'));
  writeFileSync(database, 'half a schema');
  writeFileSync(`${database}-wal`, 'half a schema');
  const stack = await up(stateDir);
  await startWorkflow(stack, 'after');
  expect(readFileSync(database).subarray(0, 15).toString()).toBe('SQLite format 3');
  await stack.release();
  await untilStopped(stateDir);
});

(hasServer('versitygw') ? test : test.skip)('versitygw: its own bucket and database, kept between ups', async () => {
  const stateDir = freshStateDir();
  const first = await up(stateDir, { s3: 'versitygw' });
  await putObject(first, 'a/b');
  await startWorkflow(first, 'kept');
  expect((await s3Client(first).send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toEqual([
    'lodestone',
  ]);
  await first.release();
  await untilStopped(stateDir);
  const again = await up(stateDir); // the kind of last time
  expect(await getObject(again, 'a/b')).toBe('a/b');
  expect(await describeWorkflow(again, 'kept')).toBe('RUNNING');
  await again.release();
});

test('without a build it says what to run', async () => {
  const use = ensureStack({
    stateDir: freshStateDir(),
    projectRoot: join(projectRoot, 'docs'),
    worker: 'none',
    lease: { type: 'permanent' },
  });
  expect(await failure(use)).toMatchObject({ kind: 'ToolMissing', message: expect.stringContaining('npm run build') });
});
