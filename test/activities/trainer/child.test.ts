/** P1: the real trainer child, compiled, as a process: it ends with its host and with nothing else. */
import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { markOf, isAlive } from '../../../infra/stack/processes';

const root = resolve(__dirname, '../../..');
const program = join(root, 'dist/activities/trainer/entry.js');
const children: ChildProcess[] = [];

beforeAll(() => {
  execFileSync(process.execPath, ['infra/setup/build-now.mjs'], { cwd: root, stdio: 'pipe' });
}, 120_000);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function readyTrainer(): Promise<ChildProcess> {
  const child = fork(program, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: ['--expose-gc'] });
  children.push(child);
  const [message] = (await once(child, 'message')) as [{ type: string }];
  expect(message.type).toBe('ready');
  return child;
}

it('P1: SIGINT and SIGTERM, which reach a whole process group, do not end it; the end of its channel does', async () => {
  const child = await readyTrainer();
  child.kill('SIGINT');
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  const exit = once(child, 'exit');
  child.disconnect();
  expect(await exit).toEqual([0, null]);
}, 60_000);

it('P1: it does not outlive a host that is killed with SIGKILL', async () => {
  const host = spawn(
    process.execPath,
    [
      '-e',
      `const child = require('node:child_process').fork(${JSON.stringify(program)}, [], { execArgv: ['--expose-gc'] });
       child.once('message', () => console.log(child.pid));`,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  children.push(host);
  const [line] = (await once(host.stdout, 'data')) as [Buffer];
  const trainer = markOf(Number(line.toString()));
  if (trainer === null) throw new Error('the trainer is not there');
  host.kill('SIGKILL');
  const deadline = Date.now() + 10_000;
  while (isAlive(trainer) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  const outlived = isAlive(trainer);
  if (outlived) process.kill(trainer.pid, 'SIGKILL');
  expect(outlived).toBe(false);
}, 60_000);
