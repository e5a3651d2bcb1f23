/** Capture, restore and what must give the same bits (DURABILITY B1–B4), with what must not. */
import type { Objective } from '../../../config/objective';
import { cpuHasBf16, cpuInfo } from '../../../engine/compile/bf16';
import type { EpochHooks, SessionConfig } from '../../../learning/training/session';
import { stateNames, type SessionState, type StateTensor } from '../../../learning/training/state';
import { configFor, digestOf, never, objectives, stopAfter, trainOn, withSession } from './toy';

const STEPS = 10; // two warm-start epochs of two, two epochs of three
const all: Objective[] = Object.values(objectives);

/** The state at the end of an unbroken run. */
const unbroken = (config: SessionConfig, hooks: EpochHooks = never): Promise<SessionState> =>
  withSession(config, async (session) => {
    await trainOn(session, config, hooks);
    return session.capture();
  });

const stoppedAfter = (config: SessionConfig, steps: number): Promise<SessionState> =>
  withSession(config, async (session) => {
    await trainOn(session, config, stopAfter(steps));
    return session.capture();
  });

/** Restores a state in a fresh session and trains to the end. */
const continued = (config: SessionConfig, state: SessionState): Promise<SessionState> =>
  withSession(config, async (session) => {
    session.restore(state);
    await trainOn(session, config);
    return session.capture();
  });

function changed(state: SessionState, name: string, change: (values: StateTensor['values']) => void): SessionState {
  const tensors = new Map(state.tensors);
  const tensor = tensors.get(name) as StateTensor;
  const values = tensor.values.slice();
  change(values);
  tensors.set(name, { ...tensor, values });
  return { ...state, tensors };
}

test('T1: stopped after any step and restored elsewhere, the run ends as the unbroken one', async () => {
  const config = configFor(objectives.magnet);
  const whole = digestOf(await unbroken(config));
  expect(digestOf(await unbroken(config))).toBe(whole);
  for (let steps = 0; steps < STEPS; steps++) {
    expect(digestOf(await continued(config, await stoppedAfter(config, steps)))).toBe(whole);
  }
});

test.each([objectives.softmax, objectives.triplet])('T1: for $type too, in either phase', async (objective) => {
  const config = configFor(objective);
  const whole = digestOf(await unbroken(config));
  for (const steps of [1, 4, 8]) {
    expect(digestOf(await continued(config, await stoppedAfter(config, steps)))).toBe(whole);
  }
});

test.each(all)(
  'B4: $type captured never, after each step or after every third ends in the same bits',
  async (objective) => {
    const config = configFor(objective);
    const digests = [];
    for (const interval of [Infinity, 1, 3]) {
      const digest = await withSession(config, async (session) => {
        let step = 0;
        await trainOn(session, config, {
          ...never,
          afterStep: async () => {
            if (++step % interval === 0) session.capture();
            await Promise.resolve();
          },
        });
        return digestOf(session.capture());
      });
      digests.push(digest);
    }
    expect(new Set(digests).size).toBe(1);
  },
);

test('a session restored to an earlier state of its own goes on from there, across phases too', async () => {
  const config = configFor(objectives.magnet);
  const early = await stoppedAfter(config, 3);
  const digests = await withSession(config, async (session) => {
    await trainOn(session, config);
    const first = digestOf(session.capture());
    session.restore(early);
    expect(digestOf(session.capture())).toBe(digestOf(early));
    await trainOn(session, config);
    return [first, digestOf(session.capture())];
  });
  expect(digests[1]).toBe(digests[0]);
});

test('momentum too is restored bit for bit', async () => {
  const config = configFor(objectives.magnet, { optimizer: { type: 'momentum', momentum: 0.9 } });
  const whole = digestOf(await unbroken(config));
  expect(digestOf(await continued(config, await stoppedAfter(config, 6)))).toBe(whole);
});

describe('control: what is lost or altered on the way shows in the digest', () => {
  const config = configFor(objectives.magnet);

  test('the loss cache', async () => {
    const state = await stoppedAfter(config, 6);
    const withoutLosses = changed(state, stateNames.losses, (values) => values.fill(0));
    const forgotten = changed(withoutLosses, stateNames.seen, (values) => values.fill(0));
    const weights = ({ tensors }: SessionState): unknown => tensors.get('conv2/filter');
    expect(weights(await continued(config, forgotten))).not.toEqual(weights(await continued(config, state)));
  });

  test('one bit of a weight', async () => {
    const state = await stoppedAfter(config, 6);
    const flipped = changed(state, 'conv2/filter', (values) => {
      const largest = values.indexOf(Math.max(...values)); // whose last bit no update swallows
      new Uint32Array(values.buffer)[largest] ^= 1;
    });
    expect(digestOf(await continued(config, flipped))).not.toBe(digestOf(await continued(config, state)));
  });

  test('an optimizer slot', async () => {
    const state = await stoppedAfter(config, 6);
    const emptied = changed(state, 'conv2/filter/adam-v', (values) => values.fill(0));
    expect(digestOf(await continued(config, emptied))).not.toBe(digestOf(await continued(config, state)));
  });

  test('the seed', async () => {
    expect(digestOf(await unbroken({ ...config, seed: 12 }))).not.toBe(digestOf(await unbroken(config)));
  });
});

test('T3: the warm start is the same for every objective', async () => {
  const states = [];
  for (const objective of all) {
    const state = await withSession(configFor(objective), async (session) => {
      for (const epoch of [1, 2]) await session.trainEpoch(epoch, null, never);
      return session.capture();
    });
    states.push(digestOf(state));
  }
  expect(new Set(states).size).toBe(1);
});

test.each(all)('$type compiled gives the bits of the eager run, and resumes in them', async (objective) => {
  const eager = digestOf(await unbroken(configFor(objective)));
  const config = configFor(objective, { compile: true });
  expect(digestOf(await unbroken(config))).toBe(eager);
  expect(digestOf(await continued(config, await stoppedAfter(config, 6)))).toBe(eager);
});

test('compiled in bf16 it resumes in its own bits, which are not those of float32', async () => {
  if (!cpuHasBf16(cpuInfo())) return console.warn('bf16: this CPU has no bfloat16 arithmetic; not tested');
  const config = configFor(objectives.softmax, { compile: true, precision: 'bf16' });
  const whole = await unbroken(config);
  expect(digestOf(await unbroken(config))).toBe(digestOf(whole));
  expect(digestOf(await continued(config, await stoppedAfter(config, 6)))).toBe(digestOf(whole));
  const float32 = await unbroken(configFor(objectives.softmax, { compile: true }));
  expect(digestOf(float32)).not.toBe(digestOf(whole));
  expect(Math.abs(whole.curve[0].loss / float32.curve[0].loss - 1)).toBeLessThan(0.1);
});

test('bf16 without compiled steps is refused by name', async () => {
  const config = configFor(objectives.magnet, { precision: 'bf16' });
  await expect(withSession(config, () => Promise.resolve())).rejects.toThrow(
    /engine\.precision: got bf16 with engine\.compile false.*Set engine\.compile to true/,
  );
});
