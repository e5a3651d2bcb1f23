/** The host of a trainer, above a child process that computes nothing: who is lost, who is busy, who is hung. */
import type * as childProcess from 'node:child_process';
import { join } from 'node:path';
import type { CheckpointRef } from '../../../config/artifacts';
import { TrainerHost, type TrainerHooks, type WorkOutcome } from '../../../activities/trainer/host';
import { deadlinesMs, type TrainerWork } from '../../../activities/trainer/protocol';
import { LodestoneError } from '../../../errors';

jest.mock('node:child_process', () => {
  const real = jest.requireActual<typeof childProcess>('node:child_process');
  const fork = (_: string, args: string[], options: childProcess.ForkOptions) =>
    real.fork(join(__dirname, 'fake-child.cjs'), args, options);
  return { ...real, fork };
});

const spawned: number[] = [];
let host: TrainerHost;
beforeEach(() => {
  spawned.length = 0;
  host = new TrainerHost((pid) => Promise.resolve(void spawned.push(pid)));
});
afterEach(() => {
  jest.useRealTimers();
  host.kill();
});

let works = 0;
const idle = {
  onStep: () => undefined,
  onProgress: () => undefined,
  isFilling: () => false,
  commit: () => Promise.reject(new Error('none')),
};

/** @param instructions of fake-child.cjs */
function perform(instructions: string, hooks: Partial<TrainerHooks> = {}): Promise<WorkOutcome> {
  const work = { type: 'train', id: `work-${++works}`, scratch: instructions, load: {} } as unknown as TrainerWork;
  const settings = { threads: 1, kernels: 'stock', deterministic: true, tf32: false, trace: false } as const;
  return host.perform(work, settings, { ...idle, ...hooks } as TrainerHooks);
}

it('P4: a trainer that dies loses its work, typed as a loss, and the next work gets another one', async () => {
  const steps: number[] = [];
  const onStep = (step: number): void => void steps.push(step);
  await expect(perform('doing=step step=1 step=2 die', { onStep })).rejects.toMatchObject({
    kind: 'TrainerLost',
    message: expect.stringContaining('SIGKILL'),
  });
  expect(steps).toEqual([1, 2]);
  expect((await perform('done')).result).toEqual({ type: 'trained', outcome: 'finished' });
  expect(new Set(spawned).size).toBe(2);
});

it('stays warm from one work to the next', async () => {
  await perform('done');
  await perform('done');
  expect(spawned).toHaveLength(1);
});

it('B3: a failure of the child keeps its kind, and ends the child: it may be half a step beyond any commit', async () => {
  const commits: number[] = [];
  const commit = (state: { sequence: number }): Promise<CheckpointRef> => {
    commits.push(state.sequence);
    return Promise.resolve({ digest: 'a' } as CheckpointRef);
  };
  const failing = perform('checkpoint=1 fail=OutOfMemory', { commit });
  await expect(failing).rejects.toMatchObject({ kind: 'OutOfMemory' });
  expect(commits).toEqual([1]); // what it handed on before is committed
  await perform('done');
  expect(new Set(spawned).size).toBe(2);
  expect(() => process.kill(spawned[0], 0)).toThrow('ESRCH'); // gone before the next one began
});

it('a kill also means the trainer that is only about to begin, since the one before is still going', async () => {
  await perform('done');
  host.kill();
  const next = perform('done');
  host.kill();
  await expect(next).rejects.toMatchObject({
    kind: 'TrainerLost',
    message: expect.stringContaining('before it began'),
  });
  expect(spawned).toHaveLength(1);
  await perform('done');
  expect(spawned).toHaveLength(2);
});

it('P3: a kill ends a work that failed and waits for its commits', async () => {
  let isCommitting = (): void => undefined;
  const committing = new Promise<void>((resolve) => (isCommitting = resolve));
  const commit = (): Promise<CheckpointRef> => (isCommitting(), new Promise(() => undefined)); // a store that is away
  const failing = perform('checkpoint=1 fail=OutOfMemory', { commit });
  await committing;
  host.kill();
  await expect(failing).rejects.toMatchObject({ kind: 'TrainerLost' });
});

it('P5: a trainer that never gets ready is killed after a while, and the next work gets another one', async () => {
  process.env['FAKE_CHILD_HANGS'] = 'as one whose driver does not answer';
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance', 'hrtime'] });
  try {
    let lost: unknown = null;
    void perform('done').catch((error: unknown) => (lost = error));
    await jest.advanceTimersByTimeAsync(deadlinesMs.start - 1);
    expect(lost).toBeNull();
    await jest.advanceTimersByTimeAsync(2);
    expect(lost).toMatchObject({ kind: 'TrainerLost', message: expect.stringContaining('not ready after 300 s') });
  } finally {
    delete process.env['FAKE_CHILD_HANGS'];
    jest.useRealTimers();
  }
  await perform('done');
  expect(spawned).toHaveLength(2);
});

it.each(['load', 'step', 'refresh', 'evaluate'] as const)(
  'P5: a trainer that is silent past its deadline in %s is killed as hung, and not a moment earlier',
  async (activity) => {
    await perform('done'); // spawned before the clock is held
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance', 'hrtime'] });
    let lost: unknown = null;
    const heard = new Promise<void>((resolve) => {
      const onStep = (): void => resolve();
      void perform(`doing=${activity} step=1`, { onStep }).catch((error: unknown) => (lost = error));
    });
    await heard;
    await jest.advanceTimersByTimeAsync(deadlinesMs[activity] - 1);
    expect(lost).toBeNull();
    await jest.advanceTimersByTimeAsync(2);
    expect(lost).toMatchObject({ kind: 'TrainerLost', message: expect.stringContaining('silent for') });
  },
);

it('P2: whoever comes while the device is taken gets DeviceBusy after 5 s, never a silent wait', async () => {
  let free = (): void => undefined;
  const first = host.withDevice('one', () => new Promise<void>((resolve) => (free = resolve)));
  const begun = performance.now();
  await expect(host.withDevice('another', () => Promise.resolve('had it'))).rejects.toMatchObject({
    kind: 'DeviceBusy',
  });
  expect(performance.now() - begun).toBeGreaterThan(4_900);
  free();
  await first;
  expect(await host.withDevice('another', () => Promise.resolve('had it'))).toBe('had it');
}, 20_000);

describe('P2: a device that helps another trainer', () => {
  /** Helps until it is asked to give way. */
  const helping = (run: string): Promise<string> =>
    host.withSpareDevice(run, async (wanted) => {
      if (!wanted.aborted) await new Promise((resolve) => wanted.addEventListener('abort', resolve));
      return 'gave way';
    });

  it('gives way at once to work of its own', async () => {
    const help = helping('one');
    const begun = performance.now();
    expect(await host.withDevice('another', () => Promise.resolve('had it'))).toBe('had it');
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(await help).toBe('gave way');
  });

  it('is not taken while anything holds it', async () => {
    let free = (): void => undefined;
    const held = host.withDevice('one', () => new Promise<void>((resolve) => (free = resolve)));
    await expect(helping('one')).rejects.toMatchObject({ kind: 'DeviceBusy' });
    free();
    await held;
  });

  it('is kept for the run that works on it for 5 s after each work, but helps that very run', async () => {
    const clock = jest.spyOn(performance, 'now');
    await host.withDevice('one', () => Promise.resolve());
    await expect(helping('another')).rejects.toMatchObject({ kind: 'DeviceBusy' });
    expect(await host.withSpareDevice('one', () => Promise.resolve('helped'))).toBe('helped');
    const later = performance.now() + 5_001;
    clock.mockReturnValue(later);
    expect(await host.withSpareDevice('another', () => Promise.resolve('helped'))).toBe('helped');
    clock.mockRestore();
  });
});

it('what a part of another trainer is asked for comes back to the child', async () => {
  const asked: [number, boolean][] = [];
  const findPart: TrainerHooks['findPart'] = (part, bring) => {
    asked.push([part, bring]);
    return Promise.resolve({ isThere: true, tensors: 'a path' });
  };
  const { result } = await perform('find=3 done', { findPart });
  expect(asked).toEqual([[3, true]]);
  expect(result).toMatchObject({ outcome: 'finished' });
});

it('S7: a commit that fails for good ends the work with its own failure and kills the trainer', async () => {
  const full = new LodestoneError('DiskFull', 'the disk is full');
  await expect(perform('checkpoint=1', { commit: () => Promise.reject(full) })).rejects.toBe(full);
  await perform('done');
  expect(spawned).toHaveLength(2);
});

it('S7: checkpoints are committed one after the other, while training goes on', async () => {
  const order: string[] = [];
  let trainOn = (): void => undefined;
  const trainedOn = new Promise<void>((resolve) => (trainOn = resolve));
  const commit: TrainerHooks['commit'] = async ({ sequence }) => {
    order.push(`begin ${sequence}`);
    await trainedOn;
    order.push(`end ${sequence}`);
    return { digest: `digest ${sequence}` } as CheckpointRef;
  };
  const { checkpoint } = await perform('step=1 checkpoint=1 step=2 checkpoint=2 step=3 committed=2 done', {
    commit,
    onStep: (step) => {
      order.push(`step ${step}`);
      if (step === 3) trainOn(); // a host that made training wait for the first commit would never come here
    },
  });
  expect(order.filter((what) => !what.startsWith('step'))).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
  expect(checkpoint).toEqual({ digest: 'digest 2' });
});
