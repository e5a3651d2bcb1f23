/**
 * The promise of the house: kill -9 of the trainer and of the worker, at seeded random steps, and the run ends with the same
 * weights, index, curve and metrics as an undisturbed one; where a kill costs steps, and wherever the commits are.
 * And the other side of it: whatever is wrong in the state that a run goes on from, be it one bit, shows in its digests.
 * Real photos, real Temporal, real MinIO, real TensorFlow.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunResult } from '../../config/artifacts';
import { readEvents, type Event } from '../../activities/events';
import { rngFor } from '../../learning/random';
import { stateNames } from '../../learning/training/state';
import { CheckpointStore } from '../../storage/checkpoints';
import { damage, flipBit, flipCentralRow, forkInsideEpoch, type Forgery } from './fork';
import { copyFruits, fruitsAreHere } from './real-photos';
import { raiseStand, type Stand, type Victim } from './stand';
import { EPOCHS, lastStep, resultOf, startTiny, STEPS, tinyInput } from './tiny-run';

if (!fruitsAreHere)
  console.warn('end-to-end: ../shared/datasets/fruits360_3body is absent, nothing of this suite is run');
const suite = fruitsAreHere ? describe : describe.skip;

/** Of the last epoch: what is wrong there has time to show. */
const FORKED_STEP = 8;
/** A trainer held in the middle of writing its state leaves files for ever: it is let go on after this time. */
const COMMITS_END_WITHIN_MS = 2_000;

suite('a run of real photos', () => {
  let stand: Stand;
  let photos: string;
  let undisturbed: RunResult;

  beforeAll(async () => {
    stand = await raiseStand();
    photos = join(stand.directory, 'photos');
    await mkdir(photos);
    await copyFruits(photos, 3, 24);
    // After every step, so that stored states can be taken from any of them.
    undisturbed = await resultOf(stand.client, 'undisturbed', tinyInput(photos, { checkpointSeconds: 0 }));
  }, 300_000);
  afterAll(() => stand.end(), 60_000);

  /** The undisturbed run as it stood at an early step of its last epoch. */
  const fork = (to: string) => ({
    store: stand.store,
    from: 'undisturbed',
    to,
    epoch: EPOCHS,
    step: FORKED_STEP,
  });

  /** Kills each victim at its step, wherever the commits are. */
  async function killAnywhere(run: string, kills: readonly Kill[]): Promise<void> {
    for (const { victim, step } of kills) {
      while ((await stand.reachedStep(run)) < step) await pause(3);
      expect(await stand.kill(victim)).toBe(true);
    }
  }

  /** Kills each victim after its step and a checkpoint inside an epoch, where steps are applied that no commit holds. */
  async function killAfterSteps(run: string, kills: readonly Kill[]): Promise<void> {
    for (const kill of kills) while (!(await killedAfterSteps(run, kill))) await pause(3);
  }

  /** Looks at a trainer that is held still, so that nothing is committed between the look and the kill. */
  async function killedAfterSteps(run: string, { victim, step }: Kill): Promise<boolean> {
    if ((await stand.reachedStep(run)) < step || !(await stand.freezeTrainer())) return false;
    try {
      const deadline = performance.now() + COMMITS_END_WITHIN_MS;
      while (await stand.isCommitting()) {
        if (performance.now() > deadline) return false;
        await pause(3);
      }
      const committed = await stand.committedSteps(run);
      const costsSteps = (await stand.reachedStep(run)) > (committed.at(-1) ?? 0);
      return costsSteps && committed.some((one) => one % STEPS !== 0) && (await stand.kill(victim));
    } finally {
      await stand.thawTrainer(); // one whose worker is gone ends by itself
    }
  }

  it.each([
    { seed: 11, trainers: 3, workers: 2 },
    { seed: 12, trainers: 2, workers: 3 },
  ])(
    'S4, S6, B2, B3, B4, P4: $trainers trainers and $workers workers killed after steps (seed $seed) change no bit',
    async ({ seed, trainers, workers }) => {
      const run = `killed-${seed}`;
      const kills = drawKills(seed, trainers, workers);
      const handle = await startTiny(stand.client, run, tinyInput(photos, { checkpointSeconds: 0.1 }));
      await killAfterSteps(run, kills);
      const { result } = await handle.result();

      expect(result.digests).toEqual(undisturbed.digests);
      expect(result.reproducibility).toBe('identical');
      const losses = lossesOf(await readEvents(stand.store, run));
      expect(losses.map(({ what }) => what)).toEqual(kills.map(({ victim }) => victim));
      for (const [i, { reached, resumedFrom }] of losses.entries()) {
        expect(reached).toBeGreaterThanOrEqual(kills[i].step);
        expect(resumedFrom).toBeLessThan(reached); // steps were made again
      }
    },
    240_000,
  );

  it('S1, S2: 2 trainers and 2 workers killed wherever their commits are (seed 13) change no bit', async () => {
    const run = 'killed-13';
    const handle = await startTiny(stand.client, run, tinyInput(photos, { checkpointSeconds: 0 }));
    await killAnywhere(run, drawKills(13, 2, 2));
    const { result } = await handle.result();
    expect(result.digests).toEqual(undisturbed.digests);
    expect(result.reproducibility).toBe('identical');
    expect(lossesOf(await readEvents(stand.store, run)).length).toBeGreaterThan(0); // some of them met an epoch
  }, 240_000);

  it.each([{ victim: 's3' }, { victim: 'temporal' }] as const)(
    'S7: $victim killed in each epoch, so that it is away when the epoch ends, changes no bit',
    async ({ victim }) => {
      const run = `without-${victim}`;
      const handle = await startTiny(stand.client, run, tinyInput(photos, { checkpointSeconds: 0.1 }));
      for (let epoch = 1; epoch <= EPOCHS; epoch++) {
        while ((await stand.reachedStep(run)) < (epoch - 0.5) * STEPS) await pause(3);
        expect(await stand.kill(victim)).toBe(true);
      }
      const { result } = await handle.result();
      expect(result.digests).toEqual(undisturbed.digests);
    },
    240_000,
  );

  describe('negative controls: a wrong value in the state that a run goes on from', () => {
    const goOn = async (to: string, forgery: Forgery): Promise<RunResult['digests']> => {
      await forkInsideEpoch({ ...fork(to), forgery });
      const { digests } = await resultOf(stand.client, to, tinyInput(photos, { checkpointSeconds: 120 }));
      const resumed = (await readEvents(stand.store, to)).filter((event) => event.type === 'attempt');
      expect(resumed.map(({ resumedFrom }) => resumedFrom)).toEqual([2 * STEPS + FORKED_STEP]);
      return digests;
    };

    it('none: rewritten without a change, the state leads to the same bits', async () => {
      expect(await goOn('control-none', {})).toEqual(undisturbed.digests);
    }, 90_000);

    it.each<[string, Forgery]>([
      [
        'the loss cache dropped (S6)',
        { state: (tensors) => [stateNames.losses, stateNames.seen].forEach((name) => tensors.delete(name)) },
      ],
      ['one bit of a weight', { state: (tensors) => flipBit(tensors, firstWeight(tensors), 0) }],
      ['one bit of an optimizer slot (S6)', { state: (tensors) => flipBit(tensors, firstSlot(tensors), 22) }],
      ['one bit of a centroid', { index: (tensors) => flipCentralRow(tensors, 'centroids') }],
    ])(
      '%s: other weights',
      async (what, forgery) => {
        const digests = await goOn(nameOf(what), forgery);
        expect(digests.weights).not.toBe(undisturbed.digests.weights);
        expect(digests.curves).not.toBe(undisturbed.digests.curves);
        expect(digests.index).not.toBe(undisturbed.digests.index);
      },
      90_000,
    );

    it('one bit of a curve value (S6): the same weights, another curve', async () => {
      const digests = await goOn('control-curve', {
        curve: ([first, ...rest]) => [{ ...first, loss: nextNumber(first.loss) }, ...rest],
      });
      const { curves, ...others } = undisturbed.digests;
      expect(digests).toMatchObject(others);
      expect(digests.curves).not.toBe(curves);
    }, 90_000);
  });

  it('S2, S4: a checkpoint whose bytes do not fit its digest is passed over by name, an earlier one taken', async () => {
    const run = 'damaged';
    const { store, client } = stand;
    const forked = await forkInsideEpoch({ ...fork(run), forgery: {}, keepEarlier: true });
    await damage(store, forked.tensors);

    const { digests } = await resultOf(client, run, tinyInput(photos, { checkpointSeconds: 120 }));
    expect(digests).toEqual(undisturbed.digests);
    const events = await readEvents(store, run);
    expect(events.filter(({ type }) => type !== 'speed')).toMatchObject([
      {
        type: 'attempt',
        resumedFrom: forked.earlierStep,
        skipped: [expect.stringContaining(forked.tensors.uri)],
      },
    ]);
  }, 90_000);

  it('S5, S8: a run whose last checkpoint is destroyed goes back to the one before and makes it again', async () => {
    const run = 'rewound';
    const handle = await startTiny(stand.client, run, tinyInput(photos, { checkpointSeconds: 120 }));
    while ((await stand.reachedStep(run)) <= 2 * STEPS) await pause(3);
    expect(await stand.freezeTrainer()).toBe(true); // inside the last epoch, and before it has committed anything
    const checkpoints = new CheckpointStore(stand.store, run);
    const ended = await handle.query<{ epoch: number }>('progress');
    expect(ended.epoch).toBe(2);
    const [, second] = await endedEpochs(run);
    await stand.destroy(second);
    expect(await stand.kill('trainer')).toBe(true);

    const { result } = await handle.result();
    expect(result.digests).toEqual(undisturbed.digests);
    const attempts = (await readEvents(stand.store, run)).filter(
      ({ type, phase }) => type !== 'speed' && phase === 'train',
    );
    expect(attempts.map(({ type, epoch }) => `${type} ${epoch}`)).toEqual([
      ...['attempt 1', 'attempt 2', 'attempt 3', 'lost 3'],
      ...['attempt 3', 'attempt 2', 'attempt 3'], // rejected, made again, gone on
    ]);
    await checkpoints.verify(second); // the very bytes that were destroyed
  }, 120_000);

  /** The checkpoints that ended the epochs so far. */
  async function endedEpochs(run: string) {
    const checkpoints = new CheckpointStore(stand.store, run);
    const ends = [];
    for (let step = STEPS, from = await warmStartOf(run); step <= lastStep; step += STEPS) {
      const end = await checkpoints.recover(from, 'train', step / STEPS);
      if (end === null) break;
      ends.push(end);
      from = end;
    }
    return ends;
  }

  async function warmStartOf(run: string) {
    const end = await new CheckpointStore(stand.store, run).recover(null, 'warm-start', 1);
    if (end === null) throw new Error(`${run} has no warm start`);
    return end;
  }

  it('W3: the same name again returns the stored result without training', async () => {
    const input = tinyInput(photos, { checkpointSeconds: 0 });
    expect(await resultOf(stand.client, 'undisturbed', input)).toEqual(undisturbed);
  }, 60_000);

  it('S9: the name with another configuration is refused, and says the difference', async () => {
    const other = tinyInput(photos, { checkpointSeconds: 0, seed: 99 });
    await expect(resultOf(stand.client, 'undisturbed', other)).rejects.toMatchObject({
      cause: { cause: { type: 'NameTaken', message: expect.stringMatching(/recipe\.seed: is 1, asked for 99/) } },
    });
  }, 60_000);

  it('P3: a stop checkpoints, evaluates what there is, and the next start ends with the same bits', async () => {
    const run = 'stopped';
    const input = tinyInput(photos, { checkpointSeconds: 0.1 });
    const handle = await startTiny(stand.client, run, input);
    while ((await stand.reachedStep(run)) <= STEPS) await pause(3);
    await handle.executeUpdate('requestStop');
    expect((await handle.result()).result.status).toBe('stopped');
    const result = await resultOf(stand.client, run, input);
    expect(result.status).toBe('finished');
    expect(result.digests).toEqual(undisturbed.digests);
  }, 240_000);

  it('a wrong seed gives other bits: the comparison can fail', async () => {
    const other = tinyInput(photos, { checkpointSeconds: 120, seed: 2, epochs: 1 });
    const { digests } = await resultOf(stand.client, 'other-seed', other);
    expect(digests.weights).not.toBe(undisturbed.digests.weights);
  }, 120_000);
});

interface Kill {
  readonly victim: Victim;
  /** Global step of the train phase. */
  readonly step: number;
}

/** One kill in each slice of the steps after the first epoch's half, victims in a drawn order. */
function drawKills(seed: number, trainers: number, workers: number): Kill[] {
  const rng = rngFor(seed, 'kill points');
  const victims: Victim[] = [
    ...Array.from({ length: trainers }, () => 'trainer' as const),
    ...Array.from({ length: workers }, () => 'worker' as const),
  ];
  const first = STEPS / 2;
  const slice = Math.floor((lastStep - first) / victims.length);
  return rng.shuffle(victims).map((victim, i) => ({ victim, step: first + i * slice + rng.nextInt(slice - 12) }));
}

/** Each loss, with the global step that the next attempt at the epoch went on from. */
function lossesOf(events: readonly Event[]): { what: Victim; reached: number; resumedFrom: number }[] {
  return events.flatMap((event, i) => {
    if (event.type !== 'lost') return [];
    const next = events.slice(i).find((later) => later.type === 'attempt');
    if (next?.type !== 'attempt' || next.epoch !== event.epoch) throw new Error('a loss without another attempt');
    const { what, reached } = event;
    return [{ what, reached, resumedFrom: next.resumedFrom ?? (next.epoch - 1) * STEPS }];
  });
}

function firstWeight(tensors: ReadonlyMap<string, unknown>): string {
  return nameWhere(tensors, (name) => name.endsWith('/w'));
}

function firstSlot(tensors: ReadonlyMap<string, unknown>): string {
  return nameWhere(tensors, (name) => /adam|momentum/i.test(name));
}

function nameWhere(tensors: ReadonlyMap<string, unknown>, fits: (name: string) => boolean): string {
  const name = [...tensors.keys()].find(fits);
  if (name === undefined) throw new Error(`none fits of ${[...tensors.keys()].join(', ')}`);
  return name;
}

/** The float64 that differs in the last bit alone. */
function nextNumber(value: number): number {
  const bits = new BigUint64Array(Float64Array.of(value).buffer);
  bits[0] ^= 1n;
  return new Float64Array(bits.buffer)[0];
}

function nameOf(what: string): string {
  return `control-${what.replace(/[^a-z]+/g, '-').replace(/^-|-$/g, '')}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
