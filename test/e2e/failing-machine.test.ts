/**
 * A machine that fails a run: a TensorFlow of another version, a disk of the worker that fills up, a store that fills up. Each
 * ends in one message that names the thing and the way out, or is waited for; and the run goes on to the bits of an undisturbed one.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { failures, type FailureKind } from '../../errors';
import { runLayout } from '../../storage/run-layout';
import type { Ended } from '../infra/setup/in-node';
import { keysOf } from '../storage/support/faulty-store';
import { hasServer, startServer, type TestServer } from '../storage/support/servers';
import { canMount } from '../storage/support/small-disk';
import {
  answerOf,
  credentialsOf,
  interrupted,
  makePhotos,
  Shell,
  startTemporal,
  storeUri,
  tinyRun,
  type Answer,
  type OwnTemporal,
} from './own-servers';
import { oldTensorFlow } from '../engine/support/old-tensorflow';
import { reachedStep } from './stand';

jest.setTimeout(120_000);
const suite = hasServer('minio') ? describe : describe.skip;
const isMountable = canMount();
const onSmallDisk = isMountable ? it : it.skip;

/** Of each epoch of a tiny run. */
const STEPS = 40;
const DISK_MB = 128;

suite('a machine that fails a run', () => {
  let temporal: OwnTemporal;
  let s3: TestServer;
  let shell: Shell;
  let photos: string;
  let whole: Answer;

  beforeAll(async () => {
    [temporal, s3] = await Promise.all([startTemporal(), startServer('minio', isMountable ? DISK_MB : undefined)]);
    shell = await Shell.open({
      TEMPORAL_ADDRESS: temporal.address,
      LODESTONE_STORE: storeUri(s3, 'runs-of-tests'),
      ...credentialsOf(s3.credentials),
    });
    photos = await makePhotos(shell.folder);
  }, 120_000);
  afterAll(async () => {
    await shell.end();
    await temporal.end();
  });

  const run = (name: string, ...more: string[]) => shell.lodestone(tinyRun(photos, name, ...more));

  /** One message, and the command that goes on. */
  function expectEnd(ended: Ended, kind: FailureKind, message: RegExp): void {
    const { error, status, resume } = answerOf(ended);
    expect({ status, error }).toEqual({
      status: 'failed',
      error: { kind, message: expect.stringMatching(message), exitCode: failures[kind].exitCode },
    });
    expect(ended.code).toBe(failures[kind].exitCode);
    const lines = ended.stderr.trim().split('\n').slice(-2);
    expect(lines).toEqual([`${kind}: ${error?.message}`, expect.stringContaining(`mended: ${resume}`)]);
    expect(ended.stderr).not.toMatch(/\n {4}at /); // a message, not a stack
  }

  async function expectResumed(name: string): Promise<void> {
    const resumed = await shell.paste(`npx lodestone resume ${name} --json`);
    expect(resumed.code).toBe(0);
    expect(answerOf(resumed)).toMatchObject({ status: 'finished', digests: whole.digests });
  }

  /** Begins a run and holds its trainer in the second epoch. @returns the trainer's process */
  async function frozen(name: string): Promise<number> {
    expect((await run(name, '--detach')).code).toBe(0);
    while ((await reachedStep(join(shell.folder, 'worker'), name)) < STEPS + 3) await pause(3);
    const trainer = await shell.trainer();
    process.kill(trainer, 'SIGSTOP');
    return trainer;
  }

  it('a TensorFlow of another version: a run says so, and is not tried again; with the right one it goes on', async () => {
    const worker = await shell.worker([], oldTensorFlow(shell.folder));
    const message = /^engine: got TensorFlow 2\.9\.1, must be 2\.21: .* Run `npm run setup`/;
    expectEnd(await run('whole', '--json'), 'EngineUnavailable', message);
    await interrupted(worker);

    await shell.worker();
    whole = answerOf(await shell.paste('npx lodestone resume whole --json'));
    expect(whole).toMatchObject({ run: 'whole', status: 'finished' });
  });

  it('a disk of the worker without room for a checkpoint ends the run; with room it goes on to the same bits', async () => {
    const trainer = await frozen('no-room');
    limitFiles(trainer, '1024');
    process.kill(trainer, 'SIGCONT');
    const message =
      /^\S+\/worker\/scratch\/\S+: there is no space left on its disk\. Free some, or choose another folder/;
    expectEnd(await shell.lodestone(['watch', 'no-room', '--json']), 'DiskFull', message);
    limitFiles(trainer, 'unlimited');
    await expectResumed('no-room');
  });

  onSmallDisk('a full store ends a run that begins; with room it goes on', async () => {
    await s3.disk?.fill();
    const ended = await run('begun-on-full', '--json');
    await s3.disk?.free();
    const message =
      /^store 127\.0\.0\.1:\d+, bucket lodestone-test: could not \S+ \S+: the store has no space left\. Free/;
    expectEnd(ended, 'DiskFull', message);
    await expectResumed('begun-on-full');
  });

  onSmallDisk(
    'S7: a store that fills up holds a run up; with room it goes on by itself, to the same bits',
    async () => {
      const trainer = await frozen('held-up');
      const checkpoints = () =>
        keysOf(s3.store({ prefix: 'runs-of-tests' }), runLayout('held-up').checkpoints('train'));
      await s3.disk?.fill();
      await expect(s3.store().put('one-more', Buffer.alloc(1 << 16))).rejects.toMatchObject({ kind: 'DiskFull' });
      const committed = await checkpoints();
      process.kill(trainer, 'SIGCONT');
      await untilStill(() => reachedStep(join(shell.folder, 'worker'), 'held-up'));
      expect(await checkpoints()).toEqual(committed);
      const followed = shell.start(['watch', 'held-up']);
      await followed.said('held up, tried again');
      await s3.disk?.free();
      expect((await followed.ended).stderr).toMatch(/held-up: held up, tried again: .*the store has no space left/);
      const watched = await shell.lodestone(['watch', 'held-up', '--json']);
      expect(answerOf(watched)).toMatchObject({ status: 'finished', digests: whole.digests });
    },
  );
});

/** The longest file that a running process may write, as a quota or a full disk decides it. */
function limitFiles(pid: number, bytes: string): void {
  try {
    process.kill(pid, 0);
  } catch {
    return; // it has ended, and its limit with it
  }
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`], { stdio: 'pipe' });
}

/** Until a number has not changed for a second. */
async function untilStill(read: () => Promise<number>): Promise<void> {
  for (let last = -1; ;) {
    const now = await read();
    if (now === last) return;
    last = now;
    await pause(1000);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
