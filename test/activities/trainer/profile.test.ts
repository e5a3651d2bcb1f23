/** The built trainer child with and without a profile: the same bits, the times only where they were asked for. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TrainerHost, TrainerHooks } from '../../../activities/trainer/host';
import type { TrainWork } from '../../../activities/trainer/protocol';
import type { HeartbeatDetails } from '../../../activities/requests';
import type { CheckpointRef } from '../../../config/artifacts';
import { StepProfile } from '../../../config/profile';
import { Recipe } from '../../../config/recipe';
import type { EpochSpeed } from '../../../config/speed';
import { freshFolder } from '../../storage/support/temporary-folder';
import { builtHost, writeToySet } from './toy-trainer';

const STEPS = 12;
let host: TrainerHost;
let files: Awaited<ReturnType<typeof writeToySet>>;

beforeAll(async () => {
  host = await builtHost();
  files = await writeToySet(await freshFolder());
}, 120_000);
afterAll(() => host.kill());

interface Trained {
  /** Of weights, slots and curve at the end of the epoch. */
  readonly digest: string;
  readonly speed: EpochSpeed | null;
  readonly profile: StepProfile | null;
  readonly beats: HeartbeatDetails[];
}

async function trained(profile: boolean, compile: boolean): Promise<Trained> {
  const recipe = Recipe.parse({
    data: { label: 'kind' },
    network: { inputSize: 16, embeddingSize: 8 },
    objective: 'softmax',
    softmax: { batchSize: 8 },
    warmStart: { epochs: 0 },
    epochs: 1,
    stepsPerEpoch: STEPS,
    engine: { compile },
  });
  const work: TrainWork = {
    type: 'train',
    id: randomUUID(),
    load: { recipe, ...files },
    from: null,
    scratch: await freshFolder(),
    phase: 'train',
    epoch: 1,
    index: null,
    checkpointSeconds: 1e6,
    profile,
  };
  let digest = '';
  const beats: HeartbeatDetails[] = [];
  const hooks: TrainerHooks = {
    onStep: () => undefined,
    onProgress: (details) => beats.push(details),
    commit: async ({ tensors, curve, position }) => {
      const hash = createHash('sha256');
      for (const file of [tensors, curve]) hash.update(await readFile(file));
      digest = hash.digest('hex');
      return {
        manifest: { uri: 'file:none', sha256: '0'.repeat(64), bytes: 0 },
        digest,
        position,
      } satisfies CheckpointRef;
    },
    keepPart: () => Promise.reject(new Error('an epoch has no parts')),
    findPart: () => Promise.reject(new Error('nor does it look for any')),
    fetch: () => Promise.resolve(null),
    isFilling: () => false,
  };
  const settings = { threads: 1, kernels: 'proven', deterministic: true, tf32: false, trace: profile } as const;
  const { result } = await host.perform(work, settings, hooks);
  if (result.type !== 'trained') throw new Error(result.type);
  const text = result.profile === null ? null : await readFile(result.profile, 'utf8');
  return { digest, speed: result.speed, profile: text === null ? null : StepProfile.parse(JSON.parse(text)), beats };
}

let plain: Trained;
beforeAll(async () => {
  plain = await trained(false, true);
}, 60_000);

test('a compiled epoch has one digest, profiled or not; the profile names the ops of five steps', async () => {
  const profiled = await trained(true, true);
  expect(profiled.digest).toBe(plain.digest);
  expect(plain.profile).toBeNull();
  expect(profiled.profile).toMatchObject({ traced: 5, compiled: true, images: 8, network: 'convnet-4, 16 px' });
  const ops = new Set(profiled.profile?.nodes?.map(({ op }) => op));
  expect([...ops].some((op) => /Conv2D/.test(op))).toBe(true);
  expect(ops).toContain('ResourceApplyAdam');
}, 60_000);

test('an epoch op by op likewise', async () => {
  const profiled = await trained(true, false);
  expect(profiled.digest).toBe(plain.digest); // of the compiled epoch: it is the same for all
  expect(profiled.profile).toMatchObject({ traced: 5, compiled: false });
  expect(profiled.profile?.nodes?.some(({ op }) => op === 'Conv2D')).toBe(true);
}, 60_000);

test('an epoch says what it cost, in its result and while it runs', () => {
  const { speed, beats } = plain;
  expect(speed).toMatchObject({ steps: STEPS, firstRuns: 1, images: STEPS * 8 });
  if (speed === null) throw new Error('no step was made');
  const { seconds, peakBytes, residentBytes, tensors } = speed;
  for (const part of ['sample', 'wait', 'upload', 'compile', 'warm-up', 'step', 'record', 'checkpoint'] as const)
    expect([part, seconds[part] > 0]).toEqual([part, true]);
  expect(seconds.compile).toBeGreaterThan(seconds.upload);
  expect(peakBytes).toBeGreaterThanOrEqual(residentBytes);
  expect(tensors).toBeGreaterThan(0);
  expect(beats.at(-1)?.pace).toMatchObject({ tensors: expect.any(Number), residentBytes: expect.any(Number) });
});
