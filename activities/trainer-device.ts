/**
 * The trainer as an activity uses it: takes the device, lays data set and committed files in place, beats, passes
 * cancellation on to the child, and tries again after losses (recoveries.ts). Does not know what the work is.
 *
 *   P3  Stop: the child checkpoints and the work returns. Shutdown, pause, reset: checkpoint and rethrow. Not found, timed
 *       out: kill.
 *   P7  What was computed of records that came by range is committed when their shards are verified, not before.
 *   S8  A committed file that cannot be read is InputRejected, and the workflow goes back.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { IndexManifest, type CheckpointRef, type IndexRef, type ObjectRef } from '../config/artifacts';
import { LodestoneError } from '../errors';
import { CheckpointStore } from '../storage/checkpoints';
import { readManifest } from '../storage/commits';
import { withFillingDataSet, type LocalDataSet } from './data-set';
import { rejectingInput } from './failures';
import { beating, progressBeats } from './heartbeat';
import { persisting } from './persisting';
import type { HeartbeatDetails, Pool, TrainerSubject } from './requests';
import { recovering } from './recoveries';
import type { TrainerServices } from './services';
import type { TrainerHooks, WorkOutcome } from './trainer/host';
import type { TrainerSettings } from './trainer/spawn';
import { EXAMPLES_OF_PART, type IndexFile, type PartFile, type StateFiles, type TrainerWork } from './trainer/protocol';

type Tell = (details: HeartbeatDetails) => void;

/** What a work that embeds many examples does with their parts. */
export type PartHooks = Pick<TrainerHooks, 'keepPart' | 'findPart'>;

type WorkHooks = Pick<TrainerHooks, 'onStep' | 'commit'> & PartHooks;

/** A work without what every work has. */
type Plan<W extends TrainerWork> = Omit<W, 'id' | 'load' | 'scratch'>;

export interface Device {
  /** Parts in which the whole data set is embedded. */
  readonly parts: number;
  /** Aborted when other work waits for a device that was taken to help; null: it was taken for work of its own. */
  readonly wanted: AbortSignal | null;
  /** What decides the bits that its trainer computes (B1). */
  fingerprint(): Promise<Readonly<Record<string, string>>>;
  stateFiles(ref: CheckpointRef | null): Promise<StateFiles | null>;
  /** A local file of an object that stays until the work is over. */
  held(ref: ObjectRef): Promise<string>;
  indexFile(ref: IndexRef | null): Promise<IndexFile | null>;
  work<W extends TrainerWork>(plan: Plan<W>): W;
  /** Performs work with checkpoints. */
  perform(work: TrainerWork, hooks: Pick<TrainerHooks, 'onStep' | 'commit'>): Promise<WorkOutcome>;
  /** Performs work without checkpoints, which keeps embeddings on its way, again after a lost trainer. */
  performAgain(work: () => Promise<TrainerWork>, hooks: PartHooks): Promise<WorkOutcome>;
  /** Commits, and tells whoever watches while the store or the disk holds it up (S7). */
  persist<R>(commit: () => Promise<R>): Promise<R>;
  /** After a work that ended early: rethrows unless the workflow asked for it (P3). */
  rethrowUnlessStopped(): void;
}

/** Takes the device, lays the data set in place, beats, and passes cancellation on to the child. */
export function onDevice<T>(
  services: TrainerServices,
  subject: TrainerSubject,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  return onHeldDevice(services, subject, (hold) => services.host.withDevice(subject.run, () => hold(null)), use);
}

/** The same on a device that nothing else wants, until something does. Throws DeviceBusy at once where it is not free. */
export function onSpareDevice<T>(
  services: TrainerServices,
  subject: TrainerSubject,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  return onHeldDevice(services, subject, (hold) => services.host.withSpareDevice(subject.run, hold), use);
}

/** Who could share the work that comes next. */
export async function poolOf({ countTrainers }: TrainerServices, { parts }: Pick<Device, 'parts'>): Promise<Pool> {
  return { trainers: await countTrainers(), parts };
}

function onHeldDevice<T>(
  services: TrainerServices,
  subject: TrainerSubject,
  take: (hold: (wanted: AbortSignal | null) => Promise<T>) => Promise<T>,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  const { store, cache, host } = services;
  const activity = Context.current();
  return beating<HeartbeatDetails, T>((tell: Tell, signal) =>
    take((wanted) =>
      withFillingDataSet(services, subject.dataSet, async (local) => {
        const beat = progressBeats(tell);
        const scratch = join(services.directory, 'scratch', randomUUID());
        await mkdir(scratch, { recursive: true });
        const checkpoints = new CheckpointStore(store, subject.run);
        const settings = trainerSettings(subject);
        const fill = { isUnderWay: true, failure: null as Error | null };
        local.filled.then(
          () => (fill.isUnderWay = false),
          (error: unknown) => {
            fill.isUnderWay = false;
            fill.failure = error instanceof Error ? error : new Error(String(error));
            host.kill();
          },
        );
        /** Help that is not wanted any more does not wait for shards, and what it made of unverified ones is lost (P7). */
        const letGo = wanted && AbortSignal.any([wanted, signal]);
        const filledOrLetGo = async (): Promise<void> => {
          await (letGo === null ? local.filled : Promise.race([local.filled, aborted(letGo)]));
        };
        const throwFillFailure = (): void => {
          if (fill.failure instanceof Error) throw fill.failure;
        };
        const perform = async (work: TrainerWork, hooks: WorkHooks): Promise<WorkOutcome> => {
          throwFillFailure();
          const onAbort = (): void => {
            const why = activity.cancellationDetails;
            if (why?.notFound || why?.timedOut) host.kill();
            else host.stop(work.id);
          };
          const onWanted = (): void => host.stop(work.id);
          if (signal.aborted) onAbort();
          if (wanted?.aborted) onWanted();
          signal.addEventListener('abort', onAbort);
          wanted?.addEventListener('abort', onWanted);
          try {
            const outcome = await host.perform(work, settings, {
              onStep: hooks.onStep,
              onProgress: beat.progress,
              fetch: local.fetch,
              isFilling: () => fill.isUnderWay,
              commit: async (state, fingerprint) => {
                await local.filled;
                return hooks.commit(state, fingerprint);
              },
              keepPart: async (part) => {
                await filledOrLetGo();
                if (!fill.isUnderWay) await hooks.keepPart(part);
              },
              findPart: hooks.findPart,
            });
            await filledOrLetGo();
            return outcome;
          } catch (error) {
            throwFillFailure();
            if (signal.aborted) throw signal.reason;
            throw error;
          } finally {
            signal.removeEventListener('abort', onAbort);
            wanted?.removeEventListener('abort', onWanted);
          }
        };
        const releases: (() => void)[] = [];
        /** Stays in the cache until the work is over: shards that fill behind push out what nobody holds. */
        const held = (ref: ObjectRef): Promise<string> => {
          releases.push(cache.hold([ref]));
          return cache.path(store, ref);
        };
        const device: Device = {
          parts: Math.ceil(local.manifest.records.length / EXAMPLES_OF_PART),
          wanted,
          fingerprint: () => recovering(signal, () => host.fingerprint(settings)),
          held,
          stateFiles: (ref) =>
            ifGiven(ref, (given) =>
              rejectingInput(
                `checkpoint ${given.digest.slice(0, 12)}`,
                async () => {
                  const { position, tensors, curve } = await checkpoints.read(given);
                  return {
                    digest: given.digest,
                    position,
                    tensors: await held(tensors),
                    curve: await held(curve),
                  };
                },
                async () => (await checkpoints.lastGood(given))?.digest ?? null,
              ),
            ),
          indexFile: (ref) =>
            ifGiven(ref, (given) =>
              rejectingInput(`index ${given.digest.slice(0, 12)}`, async () => {
                const { tensors } = await readManifest(store, given.manifest, IndexManifest);
                return { digest: given.digest, tensors: await held(tensors) };
              }),
            ),
          work: (plan) => ({ ...plan, id: randomUUID(), load: loadSpec(subject, local), scratch }) as never,
          perform: (work, hooks) => {
            const none = (): Promise<never> => Promise.reject(unexpected('parts'));
            return perform(work, { ...hooks, keepPart: none, findPart: none });
          },
          performAgain: (work, hooks) =>
            recovering(signal, async (progressed) => {
              const onStep = (): void => undefined;
              const commit = (): Promise<never> => Promise.reject(unexpected('checkpoints'));
              const keepPart = async (part: PartFile): Promise<void> => {
                await hooks.keepPart(part);
                progressed();
              };
              return perform(await work(), { ...hooks, onStep, commit, keepPart });
            }),
          persist: (commit) => persisting(commit, beat.holdUp),
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
          for (const release of releases) release();
          await rm(scratch, { recursive: true, force: true });
        }
      }),
    ),
  );
}

/** What the trainer process is spawned with. */
function trainerSettings({ threads, recipe }: TrainerSubject): TrainerSettings {
  const { kernels, deterministic, tf32 } = recipe.engine;
  return { threads, kernels, deterministic, tf32, trace: recipe.profile };
}

function loadSpec({ recipe }: TrainerSubject, { manifestPath, shards }: LocalDataSet): TrainerWork['load'] {
  // Intervals and profiles are no part of a session.
  return { recipe: { ...recipe, checkpointSeconds: 0, profile: false }, manifest: manifestPath, shards };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function unexpected(what: string): LodestoneError {
  return new LodestoneError('Unexpected', `trainer: this work has no ${what}. This is a fault in lodestone.`);
}

function ifGiven<R, T>(ref: R | null, use: (ref: R) => Promise<T>): Promise<T | null> {
  return ref === null ? Promise.resolve(null) : use(ref);
}
