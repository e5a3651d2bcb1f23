/**
 * A worker of one role: polls its queues until it is told to stop, then lets its activities checkpoint and ends.
 * Servers are found by the environment that it is given; nothing is kept in memory that a restart needs.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type LogEntry,
  type WorkerOptions,
} from '@temporalio/worker';
import { readEnvironment } from '../config/environment';
import { queues } from '../config/queues';
import { STOPPED_MESSAGE } from '../config/stopped';
import { version } from '../config/version';
import { KnownDigests } from '../datasets/image-file';
import { LodestoneError } from '../errors';
import { LocalCache } from '../storage/cache';
import { openStore } from '../storage/open';
import { Attempts } from './attempts';
import { endLeftTrainer, holdDevice, hostQueueOf, recordTrainer } from './device';
import { createFinishing } from './finishing';
import { createDecoding, createPreprocessing, SHARDS_AT_ONCE } from './preprocessing';
import { countTrainers } from './pool';
import type { Services, TrainerServices } from './services';
import { temporalSettings } from './temporal-settings';
import { TrainerHost } from './trainer/host';
import { createTrainerActivities } from './training';
import { closingAfter, createTogether, runTogether, shutDown } from './worker-group';

export type WorkerRole = 'all' | 'pipeline' | 'cpu' | 'gpu';

export interface WorkerSettings {
  readonly role: WorkerRole;
  readonly environment: NodeJS.ProcessEnv;
  /** Told once, when every queue is polled. */
  readonly onReady?: () => void;
}

const CACHE_BYTES = 64 * 1024 ** 3;
/** Time for a checkpoint and its upload before a shutdown is forced. */
const SHUTDOWN = '25s';
/** Beats are passed on at once: left alone, the SDK holds them for most of the heartbeat timeout, and progress with them. */
const BEAT = '1s';

/** Runs until SIGTERM, SIGINT or an abort, and returns when everything under way has checkpointed. */
export async function runWorker(settings: WorkerSettings): Promise<void> {
  const { environment } = settings;
  const location = readEnvironment(environment);
  const cacheDirectory = location.workerDirectory;
  Runtime.install({ logger: workerLogger(), shutdownSignals: [] });
  await mkdir(cacheDirectory, { recursive: true });
  if (location.store === null)
    throw new LodestoneError(
      'InvalidConfig',
      'LODESTONE_STORE: got nothing, must say where data sets and checkpoints lie, such as s3://bucket. Set it, or use `lodestone run` without a worker of your own.',
    );
  const store = openStore(location.store, location);
  const services: Services = {
    store,
    cache: new LocalCache(join(cacheDirectory, 'objects'), { maxBytes: CACHE_BYTES }),
    directory: cacheDirectory,
  };

  const { connection, namespace } = await connect(environment);
  const host = new TrainerHost((pid) => recordTrainer(cacheDirectory, pid));
  const attempts = new Attempts(cacheDirectory);
  const serve = async (): Promise<void> => {
    const client = new Client({ connection, namespace });
    const options = await optionsFor(settings, services, {
      host,
      attempts,
      countTrainers: () => countTrainers(client),
    });
    await attempts.reportLeft(client, store);
    const workers = await createTogether(options.map((one) => Worker.create({ connection, namespace, ...one })));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => shutDown(workers));
    await runTogether(workers, () => settings.onReady?.());
  };
  await closingAfter(serve, async () => {
    host.kill();
    await connection.close();
  });
}

async function optionsFor(
  { role, environment }: WorkerSettings,
  services: Services,
  trainer: Pick<TrainerServices, 'host' | 'attempts' | 'countTrainers'>,
): Promise<WorkerOptions[]> {
  const { directory: cacheDirectory } = services;
  const base = {
    shutdownGraceTime: 0,
    shutdownForceTime: SHUTDOWN,
    interceptors: { activity: [trainer.attempts.interceptor] },
    maxHeartbeatThrottleInterval: BEAT,
    defaultHeartbeatThrottleInterval: BEAT,
  } satisfies Partial<WorkerOptions>;
  const options: WorkerOptions[] = [];
  const digests = new KnownDigests();
  if (role === 'all' || role === 'pipeline') {
    const activities = { ...createPreprocessing(services, digests), ...createFinishing(services, version) };
    options.push({ ...base, ...workflowCode(), taskQueue: queues.pipeline, activities });
  }
  if (role === 'all' || role === 'cpu') {
    options.push({
      ...base,
      taskQueue: queues.cpu,
      activities: createDecoding(services, digests),
      maxConcurrentActivityTaskExecutions: SHARDS_AT_ONCE,
    });
  }
  if (role === 'all' || role === 'gpu') {
    await holdDevice(cacheDirectory, environment['CUDA_VISIBLE_DEVICES']);
    await endLeftTrainer(cacheDirectory);
    await rm(join(cacheDirectory, 'scratch'), { recursive: true, force: true }); // of works that a dead worker left
    await services.cache.removeLeftovers();
    const hostQueue = await hostQueueOf(cacheDirectory);
    const activities = createTrainerActivities({ ...services, ...trainer, hostQueue });
    // The same host after a restart is the same trainer, in histories and when trainers are counted.
    const oneAtATime = {
      identity: hostQueue,
      maxConcurrentActivityTaskExecutions: 1,
      maxConcurrentActivityTaskPolls: 1,
    };
    for (const taskQueue of [hostQueue, queues.gpu]) options.push({ ...base, ...oneAtATime, taskQueue, activities });
  }
  return options;
}

/** The bundle that the build made; else the sources, which take seconds to bundle. */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const codePath = join(__dirname, '../workflow-bundle.js');
  return existsSync(codePath)
    ? { workflowBundle: { codePath } }
    : { workflowsPath: join(__dirname, '../workflows/index') };
}

/**
 * Leaves out what the SDK warns of and is no warning to a person: workers of the other queues have no workflows on purpose,
 * and a run that was stopped has not failed. (Of a workflow's error only the message reaches the logger.)
 */
function workerLogger(): DefaultLogger {
  const warnings = new DefaultLogger('WARN');
  const isExpected = ({ message, meta }: LogEntry): boolean =>
    (message.startsWith('No workflows registered') && meta?.['taskQueue'] !== queues.pipeline) ||
    (message === 'Workflow failed' && (meta?.['error'] as Error | undefined)?.message === STOPPED_MESSAGE);
  return new DefaultLogger('WARN', (entry) => {
    if (!isExpected(entry)) warnings.log(entry.level, entry.message, entry.meta);
  });
}

async function connect(environment: NodeJS.ProcessEnv): Promise<{ connection: NativeConnection; namespace: string }> {
  const { connectionOptions, namespace } = temporalSettings(environment);
  try {
    return { connection: await NativeConnection.connect(connectionOptions), namespace: namespace ?? 'default' };
  } catch (cause) {
    throw new LodestoneError(
      'TemporalUnavailable',
      `Temporal at ${connectionOptions.address ?? 'localhost:7233'}: ${(cause as Error).message}. Set TEMPORAL_ADDRESS (and TLS or API key), or start the local stack with \`lodestone dev up\`.`,
      { cause },
    );
  }
}
