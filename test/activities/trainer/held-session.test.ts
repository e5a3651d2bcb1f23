/** B3: what a child keeps warm is exactly what was committed, at every boundary; anything else is loaded anew. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeldSession, type Loaded } from '../../../activities/trainer/held-session';
import { writeState } from '../../../activities/trainer/files';
import type { LoadSpec, StateFiles } from '../../../activities/trainer/protocol';
import { Recipe } from '../../../config/recipe';
import { digestOf, never, stopAfter } from '../../learning/training/toy';
import { writeToySet } from './toy-trainer';

const STEPS = 4;
let folder: string;
let load: LoadSpec;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodestone-held-'));
  load = {
    recipe: Recipe.parse({
      data: { label: 'kind' },
      network: { inputSize: 16, embeddingSize: 8 },
      objective: 'softmax',
      softmax: { batchSize: 8 },
      warmStart: { epochs: 0 },
      epochs: 1,
      stepsPerEpoch: STEPS,
    }),
    ...(await writeToySet(folder)),
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const held = (): HeldSession => new HeldSession(() => Promise.resolve(null));

/** Trains a step, and says so as the child does. */
async function step(session: HeldSession, loaded: Loaded): Promise<void> {
  session.changing();
  await loaded.session.trainEpoch(1, null, stopAfter(1));
}

/** @returns the digest of the state at the end of the epoch */
async function finish({ session }: Loaded): Promise<string> {
  await session.trainEpoch(1, null, never);
  return digestOf(session.capture());
}

async function save({ session }: Loaded, digest: string): Promise<StateFiles> {
  const number = Number(digest.slice(1));
  return { ...(await writeState(folder, number, session.capture())), digest };
}

/** The states after each step, and the digest of the last, of a session that was never loaded. */
async function unbroken(): Promise<{ states: StateFiles[]; end: string }> {
  const session = held();
  const loaded = await session.at(load, null, 'train');
  const states: StateFiles[] = [];
  for (let done = 1; done < STEPS; done++) {
    await step(session, loaded);
    states.push(await save(loaded, `d${done}`));
  }
  return { states, end: await finish(loaded) };
}

it('B3: warm equals reloaded at every boundary', async () => {
  const { states, end } = await unbroken();
  for (const files of states) expect(await finish(await held().at(load, files, 'train'))).toBe(end);

  const session = held();
  let warm = await session.at(load, null, 'train');
  const kept = warm.session;
  for (const files of states) {
    await step(session, warm);
    session.committed(files.digest);
    warm = await session.at(load, files, 'train');
  }
  expect(warm.session).toBe(kept);
  expect(await finish(warm)).toBe(end);
}, 60_000);

it('B3: a session that has stepped since its commit no longer stands for it', async () => {
  const { states, end } = await unbroken();
  const session = held();
  const loaded = await session.at(load, states[0], 'train');
  await step(session, loaded); // what an attempt that was lost afterwards leaves behind
  const again = await session.at(load, states[0], 'train');
  expect(again.session.position.step).toBe(1);
  expect(await finish(again)).toBe(end);
}, 60_000);

it('B3: nor does one whose beginning is asked for again', async () => {
  const { end } = await unbroken();
  const session = held();
  const loaded = await session.at(load, null, 'train');
  await step(session, loaded);
  expect(await finish(await session.at(load, null, 'train'))).toBe(end);
}, 60_000);
