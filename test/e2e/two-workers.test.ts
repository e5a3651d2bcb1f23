/**
 * Two workers with folders of their own, as on two machines: they pack the shards of a set together, embed for one run
 * together, and train the objectives of a comparison at the same time. One of them dies, and the other goes on. The bits are
 * those of one worker alone. Real drawings, real Temporal, real MinIO, real TensorFlow.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time';
import { readEnvironment } from '../../config/environment';
import { queues } from '../../config/queues';
import { countTrainers } from '../../activities/pool';
import { ensureStack, stopStack, type StackHandle } from '../../infra/stack/client';
import { openStore } from '../../storage/open';
import { runLayout } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';
import type { compareObjectives } from '../../workflows/compare-objectives';
import { projectRoot } from './stand';
import { resultOf, startTiny, tinyInput } from './tiny-run';

/** 4,840 drawings of characters: enough for several shards and several parts of embeddings. */
const drawings = resolve(projectRoot, '../shared/datasets/omniglot_small');
const drawingsAreHere = existsSync(join(drawings, 'metadata.csv'));
if (!drawingsAreHere)
  console.warn('end-to-end: ../shared/datasets/omniglot_small is absent, two workers are not tried');
const suite = drawingsAreHere ? describe : describe.skip;

interface Done {
  readonly identity: string;
  readonly from: number;
  readonly to: number;
  readonly result: unknown;
}

interface OwnWorker {
  readonly folder: string;
  readonly process: ChildProcess;
  /** How Temporal names it as a trainer. */
  readonly identity: string;
}

suite('two workers', () => {
  let directory: string;
  let stack: StackHandle;
  let client: Client;
  let store: ObjectStore;
  const workers: OwnWorker[] = [];
  const input = (() => {
    const tiny = tinyInput(drawings, { checkpointSeconds: 120, epochs: 1 });
    const { data, network } = tiny.recipe;
    const recipe = {
      ...tiny.recipe,
      data: { ...data, channels: 1 as const, invert: true },
      network: { ...network, inputSize: 48 },
      stepsPerEpoch: 12,
    };
    return { ...tiny, recipe };
  })();

  beforeAll(async () => {
    execFileSync(process.execPath, ['infra/setup/build-now.mjs'], { cwd: projectRoot, stdio: 'pipe' });
    directory = await mkdtemp(join(tmpdir(), 'lodestone-e2e-'));
    stack = await ensureStack({
      stateDir: join(directory, 'stack'),
      projectRoot,
      worker: 'none',
      lease: { type: 'command', name: 'e2e' },
    });
    client = new Client({ connection: await Connection.connect({ address: stack.endpoints.temporalAddress }) });
    const environment = readEnvironment(stack.environment);
    store = openStore(environment.store ?? '', environment);
    workers.push(...(await Promise.all([startWorker('one'), startWorker('two')])));
    await until(async () => (await countTrainers(client)) === 2);
  }, 120_000);
  afterAll(async () => {
    for (const { process } of workers) await ended(process, 'SIGTERM');
    await client.connection.close();
    await stack.release();
    await stopStack(join(directory, 'stack'));
    await rm(directory, { recursive: true, force: true });
  }, 60_000);

  async function startWorker(name: string): Promise<OwnWorker> {
    const folder = join(directory, name);
    const environment = { ...process.env, ...stack.environment, LODESTONE_WORKER_DIRECTORY: folder };
    const command = [join(projectRoot, 'bin/lodestone.mjs'), 'worker', '--role', 'all'];
    const started = spawn(process.execPath, command, { env: environment, stdio: 'ignore' });
    let id: string | null = null;
    await until(async () => (id = await readFile(join(folder, 'host-id'), 'utf8').catch(() => null)) !== null);
    return { folder, process: started, identity: `lodestone-gpu-${(id ?? '').trim()}` };
  }

  /** The attempts at an activity that came to an end: by whom, from when to when, with what result. */
  async function doneBy(handle: WorkflowHandle, ...activities: string[]): Promise<Done[]> {
    const events = (await handle.fetchHistory()).events ?? [];
    const byId = new Map(events.map((event) => [String(event.eventId), event]));
    return events.flatMap(({ eventTime, activityTaskCompletedEventAttributes: done }) => {
      const start = byId.get(String(done?.startedEventId));
      const scheduled = byId.get(String(done?.scheduledEventId))?.activityTaskScheduledEventAttributes;
      if (!activities.includes(scheduled?.activityType?.name ?? '')) return [];
      const payload = done?.result?.payloads?.[0];
      return [
        {
          identity: start?.activityTaskStartedEventAttributes?.identity ?? '',
          from: tsToMs(start?.eventTime),
          to: tsToMs(eventTime),
          result: payload ? defaultPayloadConverter.fromPayload(payload) : null,
        },
      ];
    });
  }

  it('S5, S7, H1: shards and embeddings are made by both; one dies, the other ends the run with the bits of one alone', async () => {
    const run = 'spread';
    const spread = await startTiny(client, run, input);
    // The refresh after the warm start: its trainer has committed its own part and is frozen inside the other's.
    const first = `${runLayout(run).prefix}embeddings/`;
    const hasCommitted = until(async () => (await keysIn(first)).some((key) => key.endsWith('/0.json')), 5);
    const [main, helper] = await beforeTheEndOf(spread, mainAndHelper(spread));
    const trainer = await trainerOf(main);
    await beforeTheEndOf(spread, hasCommitted);
    process.kill(trainer, 'SIGSTOP');
    try {
      await beforeTheEndOf(
        spread,
        until(async () => (await doneBy(spread, 'helpEmbed')).length === 1),
      );
      expect(await doneBy(spread, 'helpEmbed')).toMatchObject([{ identity: helper.identity, result: { parts: [1] } }]);
      expect((await keysIn(first)).map((key) => key.split('/').at(-1)).sort()).toEqual(['0.json', '1.json']);
    } finally {
      await ended(main.process, 'SIGKILL');
      process.kill(trainer, 'SIGKILL'); // stopped, it does not see that its host is gone
    }
    const packed = new Set((await doneBy(spread, 'packShard')).map(({ identity }) => Number(identity.split('@')[0])));
    expect(packed).toEqual(new Set(workers.map(({ process }) => process.pid)));

    // While the loss of the other is found out: the same run, from the beginning, by the one that is left.
    const alone = await resultOf(client, 'alone', input);
    const { result } = await spread.result();
    expect(result.digests).toEqual(alone.digests);
    expect(result.dataSet).toEqual(alone.dataSet);
    const refreshed = (await doneBy(spread, 'refreshIndex')).map(({ identity }) => identity);
    expect(refreshed).toEqual([helper.identity, helper.identity]);
  }, 300_000);

  it('W4: the objectives of a comparison are trained at the same time, with the bits of a run of its own', async () => {
    workers.push(await startWorker('three'));
    const living = workers.filter(({ process }) => process.signalCode === null).map(({ identity }) => identity);
    await until(async () => {
      const asking = await identitiesThatAsk();
      return living.every((identity) => asking.has(identity));
    });
    const compared = await client.workflow.start<typeof compareObjectives>('compareObjectives', {
      taskQueue: queues.pipeline,
      workflowId: 'compared',
      args: [{ version: 1, data: input.data, recipe: input.recipe, objectives: ['magnet', 'softmax'], parallel: null }],
    });
    const { objectives } = await compared.result();
    const [magnet, softmax] = await Promise.all(
      objectives.map(({ run }) => doneBy(client.workflow.getHandle(run), 'refreshIndex', 'trainEpoch', 'evaluateRun')),
    );
    const together = magnet.filter((one) =>
      softmax.some((other) => other.identity !== one.identity && other.from < one.to && one.from < other.to),
    );
    expect(together).not.toEqual([]);
    expect(new Set([...magnet, ...softmax].map(({ identity }) => identity))).toEqual(new Set(living));
    const alone = await resultOf(client, 'alone', input); // found where it was stored
    expect(objectives[0].result.digests).toEqual(alone.digests);
    expect(objectives[1].result.digests).not.toEqual(alone.digests);
  }, 300_000);

  async function keysIn(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of store.list(prefix)) keys.push(key);
    return keys;
  }

  /** Who refreshes, as soon as somebody does, and the other one. */
  async function mainAndHelper(handle: WorkflowHandle): Promise<[OwnWorker, OwnWorker]> {
    let main: OwnWorker | undefined;
    await until(async () => {
      const { pendingActivities } = (await handle.describe()).raw;
      const refresh = pendingActivities?.find(({ activityType }) => activityType?.name === 'refreshIndex');
      main = workers.find(({ identity }) => identity === refresh?.lastWorkerIdentity);
      return main !== undefined;
    }, 20);
    const [one, two] = workers;
    return main === one ? [one, two] : [two, one];
  }

  async function trainerOf({ folder }: OwnWorker): Promise<number> {
    return (JSON.parse(await readFile(join(folder, 'trainer.json'), 'utf8')) as { pid: number }).pid;
  }

  async function identitiesThatAsk(): Promise<Set<string>> {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: 'default',
      taskQueue: { name: queues.gpu },
      taskQueueType: 2, // activities
    });
    return new Set(pollers?.map(({ identity }) => identity ?? ''));
  }
});

/** Asks again and again; whoever never comes ends with the test's own time. */
async function until(isSo: () => Promise<boolean>, everyMs = 50): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}

/** What is seen of a run while it goes on; throws where it ends before. */
function beforeTheEndOf<T>(handle: WorkflowHandle, seen: Promise<T>): Promise<T> {
  const over = handle.result().then(() => Promise.reject<T>(new Error('the run ended before it was seen')));
  return Promise.race([seen, over]);
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
