/**
 * Help for a refresh, above a trainer that is played: when it is given, when another trainer is asked, and that what it
 * leaves in the store is taken. Real files in a store and a cache of their own; no Temporal server, no trainer process.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Evaluation, IndexManifest, type CheckpointRef, type IndexRef, type ObjectRef } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import type {
  EvaluateRequest,
  HelpOutcome,
  HelpRequest,
  RefreshOutcome,
  RefreshRequest,
} from '../../activities/requests';
import type { TrainerServices } from '../../activities/services';
import type { TrainerHooks, WorkOutcome } from '../../activities/trainer/host';
import type { EvaluateWork, HelpWork, RefreshWork } from '../../activities/trainer/protocol';
import { createTrainerActivities } from '../../activities/training';
import { LodestoneError } from '../../errors';
import { LocalCache } from '../../storage/cache';
import { CheckpointStore } from '../../storage/checkpoints';
import { readManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { runLayout } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';
import { dataSetOfShard, emptyDataSet } from './played-data-sets';
import { exampleRun } from '../report/example';
import { FaultyStore, keysOf } from '../storage/support/faulty-store';

const RUN = 'helped';
const fingerprint = { cpu: 'this one' };
let folder: string;
let store: FileStore;
let dataSet: ObjectRef;
let checkpoint: CheckpointRef;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodestone-embedding-'));
  store = new FileStore(join(folder, 'store'));
  dataSet = await emptyDataSet(store);
  const position = { phase: 'train', epoch: 1, step: 10, globalStep: 10 } as const;
  checkpoint = await new CheckpointStore(store, RUN).commit({
    manifest: { version: 1, position, parent: null, index: null, seed: 1, fingerprint },
    tensorsFile: await file('weights'),
    curveFile: await file('[]'),
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function file(text: string): Promise<string> {
  const path = join(folder, `file-${++files}`);
  await writeFile(path, text);
  return path;
}

interface Played {
  /** Left out: one that holds what it is asked for. */
  readonly on?: ObjectStore;
  readonly help?: (work: HelpWork, hooks: TrainerHooks) => Promise<WorkOutcome>;
  readonly refresh?: (work: RefreshWork, hooks: TrainerHooks) => Promise<WorkOutcome>;
  readonly evaluate?: (work: EvaluateWork) => Promise<WorkOutcome>;
  /** Of the trainer that is played. */
  readonly fingerprint?: Record<string, string>;
  readonly wanted?: AbortSignal;
  readonly isBusy?: boolean;
}

const never = new AbortController().signal;
const unplayed = (): never => {
  throw new Error('nothing was to be embedded');
};

function trainer({
  on = store,
  help = unplayed,
  refresh = unplayed,
  evaluate = unplayed,
  fingerprint: own = fingerprint,
  wanted = never,
  isBusy,
}: Played) {
  const told: string[] = [];
  const host = {
    withDevice: (_: string, use: () => unknown) => use(),
    withSpareDevice: (_: string, use: (signal: AbortSignal) => unknown) => {
      if (isBusy) throw new LodestoneError('DeviceBusy', 'trainer: the device is held by other work.');
      return use(wanted);
    },
    fingerprint: () => Promise.resolve(own),
    perform: (work: HelpWork | RefreshWork | EvaluateWork, _: unknown, hooks: TrainerHooks) => {
      switch (work.type) {
        case 'help':
          return help(work, hooks);
        case 'refresh':
          return refresh(work, hooks);
        case 'evaluate':
          return evaluate(work);
      }
    },
    stop: () => told.push('stop'),
    kill: () => told.push('kill'),
  };
  const services = {
    store: on,
    cache: new LocalCache(join(folder, `cache-${++files}`), { maxBytes: 1e9 }),
    directory: folder,
    host,
    attempts: { trained: () => undefined },
    hostQueue: 'private',
    countTrainers: () => Promise.resolve(2),
  } as unknown as TrainerServices;
  const environment = new MockActivityEnvironment();
  const activities = createTrainerActivities(services);
  const subject = { run: RUN, recipe: Recipe.parse({}), threads: 1, dataSet, checkpoint };
  const helpRequest: HelpRequest = {
    ...subject,
    purpose: { type: 'refresh', previous: null },
    share: { at: 1, of: 2 },
  };
  const refreshRequest: RefreshRequest = { ...subject, previous: null, epoch: 1, helpers: 1 };
  return {
    told,
    environment,
    help: (): Promise<HelpOutcome> => environment.run((given: HelpRequest) => activities.helpEmbed(given), helpRequest),
    refresh: (): Promise<RefreshOutcome> =>
      environment.run((given: RefreshRequest) => activities.refreshIndex(given), refreshRequest),
    evaluate: (index: IndexRef): Promise<ObjectRef> =>
      environment.run((given: EvaluateRequest) => activities.evaluateRun(given), { ...subject, index }),
  };
}

/** Hands one part on, and ends. */
const helping =
  (part: number): NonNullable<Played['help']> =>
  async (_, hooks) => {
    await hooks.keepPart({ part, tensors: await file(`part ${part}`) });
    return { result: { type: 'helped', parts: [part] }, checkpoint: null };
  };

const refreshing: NonNullable<Played['refresh']> = async () => ({
  result: {
    type: 'refreshed',
    kind: 'embeddings',
    tensors: await file('index'),
    variance: null,
    clusters: 0,
    validationError: null,
    warnings: [],
  },
  checkpoint: null,
});

/** What a trainer hands on: the rest is the activity's. */
const measured = Object.fromEntries(
  Object.entries(exampleRun().evaluation).filter(
    ([name]) => !['version', 'checkpoint', 'index', 'dataSet'].includes(name),
  ),
);

const partsStored = (): Promise<string[]> => keysOf(store, `${runLayout(RUN).prefix}embeddings/`);

it('S5, S7: what help has committed is found by the refresh, before it begins and while it runs', async () => {
  expect(await trainer({ help: helping(3) }).help()).toEqual({ parts: [3] });
  const outcome = await trainer({
    refresh: async (work, hooks) => {
      expect(work.parts.map(({ part }) => part)).toEqual([3]);
      expect(work).toMatchObject({ share: { at: 0, of: 2 }, checkpointSeconds: 0 });
      expect(await hooks.findPart(4, true)).toEqual({ isThere: false, tensors: null });
      await trainer({ help: helping(4) }).help();
      expect(await hooks.findPart(4, true)).toMatchObject({ isThere: true, tensors: expect.any(String) });
      return refreshing(work, hooks);
    },
  }).refresh();
  expect(outcome.pool).toEqual({ trainers: 2, parts: 0 });
  expect(await partsStored()).toEqual([]); // their purpose is fulfilled
});

it('S5: nobody helps with what is done', async () => {
  await trainer({ refresh: refreshing }).refresh();
  expect(await trainer({ isBusy: true }).help()).toEqual({ parts: [] }); // not even the device is asked for
});

it('help that ends behind the work it was for leaves no parts', async () => {
  const help = trainer({
    help: async (work, hooks) => {
      const outcome = await helping(3)(work, hooks);
      await trainer({ refresh: refreshing }).refresh();
      await hooks.keepPart({ part: 4, tensors: await file('part 4') });
      return outcome;
    },
  });
  await help.help();
  expect(await partsStored()).toEqual([]);
});

it('H2: a trainer that computes other bits does not help, another one is asked', async () => {
  await expect(trainer({ fingerprint: { cpu: 'another' } }).help()).rejects.toMatchObject({
    type: 'DeviceBusy',
    nonRetryable: false,
    nextRetryDelay: '5s',
  });
});

it('H2: a refresh on another kind of machine takes no parts of this one', async () => {
  await trainer({ help: helping(0) }).help();
  await trainer({
    fingerprint: { cpu: 'another' },
    refresh: async (work, hooks) => {
      expect(work.parts).toEqual([]);
      expect(await hooks.findPart(0, true)).toEqual({ isThere: false, tensors: null });
      return refreshing(work, hooks);
    },
  }).refresh();
});

it('B1: an index says which machine made it, an evaluation as well', async () => {
  const { index } = await trainer({ fingerprint: { cpu: 'another' }, refresh: refreshing }).refresh();
  expect(await readManifest(store, index.manifest, IndexManifest)).toMatchObject({ fingerprint: { cpu: 'another' } });
  const evaluation = await trainer({
    fingerprint: { cpu: 'a third' },
    evaluate: async () => ({
      result: { type: 'evaluated', evaluation: await file(JSON.stringify(measured)) },
      checkpoint: null,
    }),
  }).evaluate(index);
  expect(await readManifest(store, evaluation, Evaluation)).toMatchObject({ fingerprint: { cpu: 'a third' } });
});

it('P2: a busy device sends help to another one at once', async () => {
  await expect(trainer({ isBusy: true }).help()).rejects.toMatchObject({
    type: 'DeviceBusy',
    nonRetryable: false,
    nextRetryDelay: '500ms',
  });
});

it('H3: where the device is wanted, the trainer is told to stop, what it made stays, and another is asked', async () => {
  const other = new AbortController();
  const asked = trainer({
    wanted: other.signal,
    help: async (work, hooks) => {
      other.abort();
      return helping(3)(work, hooks);
    },
  });
  await expect(asked.help()).rejects.toMatchObject({ type: 'DeviceBusy', nonRetryable: false });
  expect(asked.told).toEqual(['stop']);
  expect(await partsStored()).toHaveLength(1);
});

it('P2: a shard that fails behind help that has ended does not end the trainer of whoever has the device now', async () => {
  const lost = 'e'.repeat(64);
  dataSet = await dataSetOfShard(store, lost);
  let fail = (): void => undefined;
  const ended = new Promise<void>((resolve) => (fail = resolve));
  let asks = 0;
  const slow = new FaultyStore(store, async (operation, key, go) => {
    if (operation === 'getToFile' && key.endsWith(lost)) {
      asks += 1;
      await ended;
    }
    return go(); // which finds nothing
  });
  const other = new AbortController();
  other.abort();
  const asked = trainer({ on: slow, wanted: other.signal, help: helping(3) });
  await expect(asked.help()).rejects.toMatchObject({ type: 'DeviceBusy' });
  const told = asked.told.splice(0);
  fail();
  while (asks < 2) await new Promise((resolve) => setTimeout(resolve, 5)); // damage is asked for twice
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(told).toEqual(['stop']);
  expect(asked.told).toEqual([]);
});

it('P3: help that is let go stops, and says that it was cancelled', async () => {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const asked = trainer({
    help: async (work, hooks) => {
      begin();
      while (asked.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return helping(3)(work, hooks);
    },
  });
  const outcome = asked.help().catch((error: unknown) => error);
  await Promise.race([begun, outcome]);
  const none = { notFound: false, timedOut: false, paused: false, reset: false, workerShutdown: false };
  asked.environment.cancel('CANCELLED', { ...none, cancelRequested: true });
  expect(await outcome).toBeInstanceOf(CancelledFailure);
  expect(asked.told).toEqual(['stop']);
});
