/** P2: one trainer per device. P6: the private queue of a host. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftTrainer, holdDevice, hostQueueOf, recordTrainer } from '../../activities/device';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodestone-device-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function sleeper(): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
  children.push(child);
  return child;
}
const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

it('P2: a second worker waits for the device, and has it as soon as the first is gone', async () => {
  const first = await holdDevice(folder);
  let held = false;
  const second = holdDevice(folder).then((server) => ((held = true), server));
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(held).toBe(false);
  first.close();
  (await second).close();
}, 20_000);

it('P2: the trainer that a dead worker recorded is ended', async () => {
  const child = sleeper();
  await recordTrainer(folder, Number(child.pid));
  const ended = once(child, 'exit');
  await endLeftTrainer(folder);
  expect(await ended).toEqual([null, 'SIGKILL']);
});

it('P2: another process that has its pid by now is left alone, and so is nobody', async () => {
  const child = sleeper();
  await writeFile(join(folder, 'trainer.json'), JSON.stringify({ pid: child.pid, started: '1' }));
  await endLeftTrainer(folder);
  await writeFile(join(folder, 'trainer.json'), '{"pid":');
  await endLeftTrainer(folder);
  expect(isRunning(child)).toBe(true);
});

it('P6: the private queue stays the same over restarts, and is another one beside another cache', async () => {
  const queue = await hostQueueOf(folder);
  expect(await hostQueueOf(folder)).toBe(queue);
  expect(await hostQueueOf(join(folder, 'other'))).not.toBe(queue);
});

it('P6: an id that was cut off when its worker was killed is made anew, and kept', async () => {
  await writeFile(join(folder, 'host-id'), '');
  const queue = await hostQueueOf(folder);
  expect(queue).toMatch(/^lodestone-gpu-[0-9a-f-]{36}$/);
  expect(await hostQueueOf(folder)).toBe(queue);
});
