/**
 * The trainer as an activity uses it: takes the device, lays data set and committed files in place, beats, passes
 * cancellation on to the child, and says which losses are worth another try. Does not know what the work is.
 *
 *   P3  Stop: the child checkpoints and the work returns. Shutdown, pause, reset: checkpoint and rethrow. Not found, timed
 *       out: kill.
 *   S8  A committed file that cannot be read is InputRejected, and the workflow goes back.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { IndexManifest, type CheckpointRef, type IndexRef } from '../config/artifacts';
import { LodestoneError } from '../errors';
import { CheckpointStore } from '../storage/checkpoints';
import { readManifest } from '../storage/commits';
import { withFillingDataSet, type LocalDataSet } from './data-set';
import { rejectingInput } from './failures';
import { beating } from './heartbeat';
import type { HeartbeatDetails, TrainerSubject } from './requests';
import type { TrainerServices } from './services';
import type { TrainerHooks, WorkOutcome } from './trainer/host';
import type { IndexFile, PartFile, StateFiles, TrainerWork } from './trainer/protocol';

export const MAX_RECOVERIES = 5;

type Tell = (details: HeartbeatDetails) => void;

type WorkHooks = Pick<TrainerHooks, 'onStep' | 'commit' | 'keepPart'>;

/** A work without what every work has. */
type Plan<W extends TrainerWork> = Omit<W, 'id' | 'load' | 'scratch'>;

export interface Device {
  stateFiles(ref: CheckpointRef | null): Promise<StateFiles | null>;
  indexFile(ref: IndexRef | null): Promise<IndexFile | null>;
  work<W extends TrainerWork>(plan: Plan<W>): W;
  /** Performs work with checkpoints. */
  perform(work: TrainerWork, hooks: Pick<TrainerHooks, 'onStep' | 'commit'>): Promise<WorkOutcome>;
  /** Performs work without checkpoints, which keeps embeddings on its way, again after a lost trainer. */
  performAgain(work: () => Promise<TrainerWork>, keepPart: TrainerHooks['keepPart']): Promise<WorkOutcome>;
  /** After a work that ended early: rethrows unless the workflow asked for it (P3). */
  rethrowUnlessStopped(): void;
}

/** Takes the device, lays the data set in place, beats, and passes cancellation on to the child. */
export function onDevice<T>(
  services: TrainerServices,
  subject: TrainerSubject,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  const { store, cache, host } = services;
  const activity = Context.current();
  return beating<HeartbeatDetails, T>((tell: Tell, signal) =>
    host.withDevice(() =>
      withFillingDataSet(services, subject.dataSet, async (local) => {
        const scratch = join(services.directory, 'scratch', randomUUID());
        await mkdir(scratch, { recursive: true });
        const checkpoints = new CheckpointStore(store, subject.run);
        const settings = { threads: subject.threads, kernels: subject.recipe.engine.kernels };
        const fillFailure = local.filled.then(
          () => new Promise<never>(() => undefined),
          (error: unknown) => {
            host.kill();
            throw error;
          },
        );
        fillFailure.catch(() => undefined); // heard by the work under way, or by the next
        const perform = async (work: TrainerWork, hooks: WorkHooks): Promise<WorkOutcome> => {
          const onAbort = (): void => {
            const why = activity.cancellationDetails;
            if (why?.notFound || why?.timedOut) host.kill();
            else host.stop(work.id);
          };
          if (signal.aborted) onAbort();
          signal.addEventListener('abort', onAbort);
          try {
            const outcome = host.perform(work, settings, { ...hooks, fetch: local.fetch, onProgress: tell });
            return await Promise.race([outcome, fillFailure]);
          } catch (error) {
            if (signal.aborted) throw signal.reason;
            throw error;
          } finally {
            signal.removeEventListener('abort', onAbort);
          }
        };
        const device: Device = {
          stateFiles: (ref) =>
            ifGiven(ref, (given) =>
              rejectingInput(
                `checkpoint ${given.digest.slice(0, 12)}`,
                async () => {
                  const { position, tensors, curve } = await checkpoints.read(given);
                  return {
                    digest: given.digest,
                    position,
                    tensors: await cache.path(store, tensors),
                    curve: await cache.path(store, curve),
                  };
                },
                async () => (await checkpoints.lastGood(given))?.digest ?? null,
              ),
            ),
          indexFile: (ref) =>
            ifGiven(ref, (given) =>
              rejectingInput(`index ${given.digest.slice(0, 12)}`, async () => {
                const { tensors } = await readManifest(store, given.manifest, IndexManifest);
                return { digest: given.digest, tensors: await cache.path(store, tensors) };
              }),
            ),
          work: (plan) => ({ ...plan, id: randomUUID(), load: loadSpec(subject, local), scratch }) as never,
          perform: (work, hooks) => perform(work, { ...hooks, keepPart: () => Promise.reject(unexpected('parts')) }),
          performAgain: async (work, keepPart) => {
            const onStep = (): void => undefined;
            const commit = (): Promise<never> => Promise.reject(unexpected('checkpoints'));
            let recoveries = 0;
            const keeping = async (part: PartFile): Promise<void> => {
              await keepPart(part);
              recoveries = 0;
            };
            for (;;) {
              if (signal.aborted) throw signal.reason;
              try {
                return await perform(await work(), { onStep, commit, keepPart: keeping });
              } catch (error) {
                recoveries += 1;
                if (!isRecoverable(error, recoveries)) throw error;
                if (recoveries >= MAX_RECOVERIES) throw noProgress(recoveries, 'this work', error);
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

function unexpected(what: string): LodestoneError {
  return new LodestoneError('Unexpected', `trainer: this work has no ${what}. This is a fault in lodestone.`);
}

/** @param where what the trainer was lost in */
export function noProgress(recoveries: number, where: string, error: unknown): LodestoneError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LodestoneError(
    'NoProgress',
    `trainer: lost ${recoveries} times in ${where} without a later checkpoint: ${reason} ` +
      'Look at memory and at the device, then start the run again.',
    { cause: error },
  );
}

/** A lost trainer is tried again; out of memory once (the device was ours alone). */
export function isRecoverable(error: unknown, recoveries: number): boolean {
  if (!(error instanceof LodestoneError)) return false;
  return error.kind === 'TrainerLost' || (error.kind === 'OutOfMemory' && recoveries < 2);
}

function ifGiven<R, T>(ref: R | null, use: (ref: R) => Promise<T>): Promise<T | null> {
  return ref === null ? Promise.resolve(null) : use(ref);
}
