/**
 * Activities on a trainer: look for a commit, delegate to the child, commit what it saved. Safe to retry at any moment.
 *
 *   S4  A retried epoch goes on from the highest whole checkpoint that leads to where the workflow started it.
 *   S5  Done work is found under the digest of its inputs and returned.
 *   S8  A start that cannot be read is InputRejected, and the workflow goes back.
 *   P3  Stop: checkpoint and return it. Shutdown, pause, reset: checkpoint and rethrow. Not found, timed out: kill.
 *   P4  A dead trainer is respawned here, from the last commit; five times without a later commit is NoProgress.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { Evaluation, IndexManifest, type CheckpointRef, type IndexRef, type ObjectRef } from '../config/artifacts';
import { digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { Blobs } from '../storage/blobs';
import { CheckpointStore } from '../storage/checkpoints';
import { commitManifest, findManifest, readManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import { keyOf } from '../storage/store';
import { withDataSet, type LocalDataSet } from './data-set';
import { writeEvent } from './events';
import { translating } from './failures';
import { beating } from './heartbeat';
import type {
  EpochOutcome,
  EvaluateRequest,
  EpochRequest,
  HeartbeatDetails,
  RefreshOutcome,
  RefreshRequest,
  TrainerActivities,
  TrainerSubject,
} from './requests';
import type { TrainerServices } from './services';
import type { TrainerHooks, WorkOutcome } from './trainer/host';
import type { EvaluateWork, IndexFile, RefreshWork, StateFiles, TrainerWork, TrainWork } from './trainer/protocol';

const MAX_RECOVERIES = 5;
const COMMIT_TRIES = 20;

type Tell = (details: HeartbeatDetails) => void;

export function createTrainerActivities(services: TrainerServices): TrainerActivities {
  return translating({
    trainEpoch: (request: EpochRequest) => trainEpoch(services, request),
    refreshIndex: (request: RefreshRequest) => refreshIndex(services, request),
    evaluateRun: (request: EvaluateRequest) => evaluateRun(services, request),
  });
}

async function trainEpoch(services: TrainerServices, request: EpochRequest): Promise<EpochOutcome> {
  const { run, phase, epoch, from, index } = request;
  const { hostQueue } = services;
  const checkpoints = new CheckpointStore(services.store, run);
  const record = checkpoints.epochRecord(phase, epoch, from, index?.digest ?? null);
  const committed = await record.read();
  if (committed) return { checkpoint: committed, outcome: 'finished', hostQueue };

  return onDevice(services, request, async (device) => {
    const indexFile = await device.indexFile(index);
    const skipped: string[] = [];
    const recover = (): Promise<CheckpointRef | null> =>
      checkpoints.recover(from, phase, epoch, { index: index?.digest ?? null, skipped });
    let last: CheckpointRef | null = null;
    let recoveries = 0;
    for (;;) {
      const resumed: CheckpointRef | null = await recover();
      const step = resumed?.position.globalStep ?? -1;
      if (step > (last?.position.globalStep ?? -1)) recoveries = 0;
      last = resumed;
      await writeEvent(services.store, run, {
        type: 'attempt',
        phase,
        epoch,
        resumedFrom: resumed?.position.globalStep ?? null,
        skipped: skipped.splice(0),
      });
      try {
        const work = device.work<TrainWork>({
          type: 'train',
          phase,
          epoch,
          index: indexFile,
          checkpointSeconds: request.recipe.checkpointSeconds,
          from: await device.stateFiles(resumed ?? from),
        });
        const { result, checkpoint } = await device.perform(work, {
          commit: (state, fingerprint) =>
            persisting(() =>
              checkpoints.commit({
                manifest: {
                  version: 1,
                  position: state.position,
                  parent: from?.digest ?? null,
                  index: index?.digest ?? null,
                  seed: request.recipe.seed,
                  fingerprint: { ...fingerprint },
                },
                tensorsFile: state.tensors,
                curveFile: state.curve,
              }),
            ),
        });
        if (result.type !== 'trained' || !checkpoint)
          throw new LodestoneError(
            'Unexpected',
            `trainer: got ${result.type} for an epoch. This is a fault in lodestone.`,
          );
        if (result.outcome === 'finished')
          return { checkpoint: await record.create(checkpoint), outcome: 'finished', hostQueue };
        device.rethrowUnlessStopped();
        return { checkpoint, outcome: 'stopped', hostQueue };
      } catch (error) {
        recoveries += 1;
        if (!isRecoverable(error, recoveries)) throw error;
        if (recoveries >= MAX_RECOVERIES) {
          throw new LodestoneError(
            'NoProgress',
            `trainer: lost ${recoveries} times in epoch ${epoch} (${phase}) without a later checkpoint: ${(error as Error).message} Look at memory and at the device, then start the run again.`,
            { cause: error },
          );
        }
      }
    }
  });
}

async function refreshIndex(services: TrainerServices, request: RefreshRequest): Promise<RefreshOutcome> {
  const { run, checkpoint, previous, epoch } = request;
  const { store, hostQueue } = services;
  const key = runLayout(run).index(
    digestOf({ checkpoint: checkpoint.digest, previous: previous?.digest ?? null, kind: request.recipe.objective }),
  );
  const asOutcome = (manifest: ObjectRef, value: IndexManifest): RefreshOutcome => ({
    index: { manifest, digest: manifest.sha256, validationError: value.validationError },
    hostQueue,
  });
  const found = await findManifest(store, key, IndexManifest);
  if (found && (await isWhole(store, found.value.tensors))) return asOutcome(found.ref, found.value);

  return onDevice(services, request, async (device) => {
    const work = async (): Promise<RefreshWork> =>
      device.work<RefreshWork>({
        type: 'refresh',
        epoch,
        from: await device.stateFiles(checkpoint),
        previous: await device.indexFile(previous),
      });
    const { result } = await device.performAgain(work);
    if (result.type !== 'refreshed')
      throw new LodestoneError(
        'Unexpected',
        `trainer: got ${result.type} for a refresh. This is a fault in lodestone.`,
      );
    const { kind, variance, clusters, validationError, warnings } = result;
    const tensors = await persisting(() => new Blobs(store, runLayout(run).blobs).putFile(result.tensors));
    const value: IndexManifest = {
      version: 1,
      type: kind,
      checkpoint: checkpoint.digest,
      previous: previous?.digest ?? null,
      tensors,
      variance,
      clusters,
      validationError,
      warnings: [...warnings],
    };
    const manifest = await persisting(() => commitManifest(store, key, IndexManifest, value));
    return asOutcome(manifest, await readManifest(store, manifest, IndexManifest));
  });
}

async function evaluateRun(services: TrainerServices, request: EvaluateRequest): Promise<ObjectRef> {
  const { run, checkpoint, index, dataSet } = request;
  const { store } = services;
  const key = runLayout(run).evaluation(
    digestOf({ checkpoint: checkpoint.digest, index: index.digest, dataSet: dataSet.sha256 }),
  );
  const found = await findManifest(store, key, Evaluation);
  if (found) return found.ref;

  return onDevice(services, request, async (device) => {
    const work = async (): Promise<EvaluateWork> => {
      const indexFile = await device.indexFile(index);
      if (!indexFile) throw new LodestoneError('Unexpected', 'evaluation: got no index. This is a fault in lodestone.');
      return device.work<EvaluateWork>({
        type: 'evaluate',
        from: await device.stateFiles(checkpoint),
        index: indexFile,
      });
    };
    const { result } = await device.performAgain(work);
    if (result.type !== 'evaluated')
      throw new LodestoneError(
        'Unexpected',
        `trainer: got ${result.type} for an evaluation. This is a fault in lodestone.`,
      );
    const metrics = JSON.parse(await readFile(result.evaluation, 'utf8')) as object;
    const value = Evaluation.parse({
      version: 1,
      checkpoint: checkpoint.digest,
      index: index.digest,
      dataSet: dataSet.sha256,
      ...metrics,
    });
    return persisting(() => commitManifest(store, key, Evaluation, value));
  });
}

/** A work without what every work has. */
type Plan<W extends TrainerWork> = Omit<W, 'id' | 'load' | 'scratch'>;

interface Device {
  stateFiles(ref: CheckpointRef | null): Promise<StateFiles | null>;
  indexFile(ref: IndexRef | null): Promise<IndexFile | null>;
  work<W extends TrainerWork>(plan: Plan<W>): W;
  perform(work: TrainerWork, hooks: Pick<TrainerHooks, 'commit'>): Promise<WorkOutcome>;
  /** Performs work that commits nothing on its way, again after a lost trainer. */
  performAgain(work: () => Promise<TrainerWork>): Promise<WorkOutcome>;
  /** After a work that ended early: rethrows unless the workflow asked for it (P3). */
  rethrowUnlessStopped(): void;
}

/** Takes the device, lays the data set in place, beats, and passes cancellation on to the child. */
function onDevice<T>(
  services: TrainerServices,
  subject: TrainerSubject,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  const { store, cache, host } = services;
  const activity = Context.current();
  return beating<HeartbeatDetails, T>((tell: Tell, signal) =>
    host.withDevice(() =>
      withDataSet(services, subject.dataSet, async (local) => {
        const scratch = join(services.directory, 'scratch', randomUUID());
        await mkdir(scratch, { recursive: true });
        const checkpoints = new CheckpointStore(store, subject.run);
        const settings = { threads: subject.threads, kernels: subject.recipe.engine.kernels };
        const device: Device = {
          stateFiles: (ref) =>
            rejecting('checkpoint', ref, async (given) => {
              const manifest = await checkpoints.read(given);
              return {
                digest: given.digest,
                position: manifest.position,
                tensors: await cache.path(store, manifest.tensors),
                curve: await cache.path(store, manifest.curve),
              };
            }),
          indexFile: (ref) =>
            rejecting('index', ref, async (given) => {
              const manifest = await readManifest(store, given.manifest, IndexManifest);
              return { digest: given.digest, tensors: await cache.path(store, manifest.tensors) };
            }),
          work: (plan) => ({ ...plan, id: randomUUID(), load: loadSpec(subject, local), scratch }) as never,
          perform: async (work, hooks) => {
            const onAbort = (): void => {
              const why = activity.cancellationDetails;
              if (why?.notFound || why?.timedOut) host.kill();
              else host.stop(work.id);
            };
            if (signal.aborted) onAbort();
            signal.addEventListener('abort', onAbort);
            try {
              return await host.perform(work, settings, { ...hooks, onProgress: tell });
            } catch (error) {
              if (signal.aborted) throw signal.reason;
              throw error;
            } finally {
              signal.removeEventListener('abort', onAbort);
            }
          },
          performAgain: async (work) => {
            for (let recoveries = 1; ; recoveries++) {
              if (signal.aborted) throw signal.reason;
              try {
                return await device.perform(await work(), {
                  commit: () => Promise.reject(new LodestoneError('Unexpected', 'this work has no checkpoints')),
                });
              } catch (error) {
                if (!isRecoverable(error, recoveries) || recoveries >= MAX_RECOVERIES) throw error;
              }
            }
          },
          rethrowUnlessStopped: () => {
            const why = activity.cancellationDetails;
            if (why?.cancelRequested) return;
            if (why?.workerShutdown)
              throw ApplicationFailure.retryable(
                'the worker shuts down; the epoch goes on from its checkpoint',
                'WorkerShutdown',
              );
            throw signal.reason;
          },
        };
        try {
          return await use(device);
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      }),
    ),
  );
}

function loadSpec({ recipe }: TrainerSubject, { manifestPath, shards }: LocalDataSet): TrainerWork['load'] {
  return { recipe: { ...recipe, checkpointSeconds: 0 }, manifest: manifestPath, shards }; // intervals are no part of a session
}

/** A lost trainer is tried again; out of memory once (the device was ours alone). */
function isRecoverable(error: unknown, recoveries: number): boolean {
  if (!(error instanceof LodestoneError)) return false;
  return error.kind === 'TrainerLost' || (error.kind === 'OutOfMemory' && recoveries < 2);
}

/** Damaged or missing input is the workflow's to go back from, not ours to retry (S8). */
async function rejecting<R extends { readonly digest: string }, T>(
  what: string,
  ref: R | null,
  read: (ref: R) => Promise<T>,
): Promise<T | null> {
  if (!ref) return null;
  try {
    return await read(ref);
  } catch (error) {
    if (!(error instanceof LodestoneError) || error.kind !== 'ArtifactCorrupt') throw error;
    throw new LodestoneError(
      'InputRejected',
      `${what} ${ref.digest.slice(0, 12)}: ${error.message} The run goes back to the one before.`,
      { cause: error },
    );
  }
}

/** Commits go on while the store is away for a while, and fail, typed, after about ten minutes (S7). */
async function persisting<T>(commit: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await commit();
    } catch (error) {
      const passing =
        error instanceof LodestoneError && (error.kind === 'StoreUnavailable' || error.kind === 'DiskFull');
      if (!passing || tries >= COMMIT_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(30_000, 500 * 2 ** tries)));
    }
  }
}

async function isWhole(store: TrainerServices['store'], ref: ObjectRef): Promise<boolean> {
  return (await store.head(keyOf(store, ref.uri)))?.bytes === ref.bytes;
}
