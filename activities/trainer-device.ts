/**
 * The trainer as an activity uses it: takes the device, lays data set and committed files in place, beats, passes
 * cancellation on to the child, and tries again after losses (recoveries.ts). Does not know what the work is.
 *
 *   P3  Stop: the child checkpoints and the work returns. Shutdown, pause, reset: checkpoint and rethrow. Not found, timed
 *       out: kill, begin nothing, commit nothing.
 *   P7  What was computed of records that came by range is committed when their shards are verified, not before.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { CheckpointRef, IndexRef, ObjectRef } from '../config/artifacts';
import { LodestoneError } from '../errors';
import { withFillingDataSet, type FillingDataSet, type LocalDataSet } from './data-set';
import { DeviceFiles } from './device-files';
import { beating, progressBeats } from './heartbeat';
import { persisting } from './persisting';
import type { HeartbeatDetails, Pool, TrainerSubject } from './requests';
import { recovering } from './recoveries';
import type { TrainerServices } from './services';
import { ShardFill } from './shard-fill';
import type { TrainerHooks, WorkOutcome } from './trainer/host';
import type { TrainerSettings } from './trainer/spawn';
import { EXAMPLES_OF_PART, type IndexFile, type PartFile, type StateFiles, type TrainerWork } from './trainer/protocol';

/** What a work that embeds many examples does with their parts. */
export type PartHooks = Pick<TrainerHooks, 'keepPart' | 'findPart'>;

type CheckpointHooks = Pick<TrainerHooks, 'onStep' | 'commit'>;

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
  const activity = Context.current(); // the device's callbacks may run in the context of another
  return beating<HeartbeatDetails, T>((tell, signal) =>
    take((wanted) =>
      withFillingDataSet(services, subject.dataSet, async (local) => {
        const scratch = join(services.directory, 'scratch', randomUUID());
        const files = new DeviceFiles(services, subject.run);
        const beat = progressBeats(tell);
        const { host } = services;
        const device = new Device({ activity, host, subject, local, files, scratch, beat, signal, wanted });
        try {
          return await use(device);
        } finally {
          device.release();
          files.release();
          await rm(scratch, { recursive: true, force: true });
        }
      }),
    ),
  );
}

/** What a device is made of, in place already. */
interface Given {
  readonly activity: Context;
  readonly host: TrainerServices['host'];
  readonly subject: TrainerSubject;
  readonly local: FillingDataSet;
  readonly files: DeviceFiles;
  /** Where works have a folder each; removed with the device. */
  readonly scratch: string;
  readonly beat: ReturnType<typeof progressBeats>;
  /** Of the activity. */
  readonly signal: AbortSignal;
  readonly wanted: AbortSignal | null;
}

/** A device that is held, with everything in place. Lives as long as the activity that it was made in. */
export class Device {
  /** Parts in which the whole data set is embedded. */
  readonly parts: number;
  /** Aborted when other work waits for a device that was taken to help; null: it was taken for work of its own. */
  readonly wanted: AbortSignal | null;
  private readonly settings: TrainerSettings;
  private readonly fill: ShardFill;
  /** Help that is not wanted any more does not wait for shards, and what it made of unverified ones is lost (P7). */
  private readonly letGo: AbortSignal | null;

  constructor(private readonly given: Given) {
    const { host, subject, local, signal, wanted } = given;
    this.parts = Math.ceil(local.manifest.records.length / EXAMPLES_OF_PART);
    this.wanted = wanted;
    this.settings = trainerSettings(subject);
    this.fill = new ShardFill(local.filled, () => host.kill());
    this.letGo = wanted && AbortSignal.any([wanted, signal]);
  }

  /** What decides the bits that its trainer computes (B1). */
  fingerprint(): Promise<Readonly<Record<string, string>>> {
    return recovering(this.given.signal, () => this.given.host.fingerprint(this.settings));
  }

  async stateFiles(ref: CheckpointRef | null): Promise<StateFiles | null> {
    return ref && (await this.given.files.state(ref));
  }

  async indexFile(ref: IndexRef | null): Promise<IndexFile | null> {
    return ref && (await this.given.files.index(ref));
  }

  /** A local file of an object that stays until the work is over. */
  localFile(ref: ObjectRef): Promise<string> {
    return this.given.files.localFile(ref);
  }

  /** What every work has, under a new name. What a lost trainer left may still be read: the next one writes elsewhere. */
  async newWork(): Promise<Pick<TrainerWork, 'id' | 'load' | 'scratch'>> {
    const { subject, local } = this.given;
    const id = randomUUID();
    const scratch = join(this.given.scratch, id);
    await mkdir(scratch, { recursive: true });
    return { id, load: loadSpec(subject, local), scratch };
  }

  /** Performs work with checkpoints. */
  perform(work: TrainerWork, hooks: CheckpointHooks): Promise<WorkOutcome> {
    const none = (): Promise<never> => Promise.reject(unexpected('parts'));
    return this.performOnce(work, { ...hooks, keepPart: none, findPart: none });
  }

  /** Performs work without checkpoints, which keeps embeddings on its way, again after a lost trainer. */
  performAgain(work: () => Promise<TrainerWork>, hooks: PartHooks): Promise<WorkOutcome> {
    return recovering(this.given.signal, async (progressed) => {
      const onStep = (): void => undefined;
      const commit = (): Promise<never> => Promise.reject(unexpected('checkpoints'));
      const keepPart = async (part: PartFile): Promise<void> => {
        await hooks.keepPart(part);
        progressed();
      };
      return this.performOnce(await work(), { ...hooks, onStep, commit, keepPart });
    });
  }

  /** Whoever has the device from now on hears nothing of this one's shards. */
  release(): void {
    this.fill.release();
  }

  /** Commits, and tells whoever watches while the store or the disk holds it up (S7). */
  persist<R>(commit: () => Promise<R>): Promise<R> {
    return persisting(commit, this.given.beat.holdUp);
  }

  /** After a work that ended early: rethrows unless the workflow asked for it (P3). */
  rethrowUnlessStopped(): void {
    const why = this.given.activity.cancellationDetails;
    if (why?.cancelRequested) return;
    if (why?.workerShutdown)
      throw ApplicationFailure.retryable(
        'the worker shuts down; the epoch goes on from its checkpoint',
        'WorkerShutdown',
      );
    throw this.given.signal.reason;
  }

  private async performOnce(work: TrainerWork, hooks: CheckpointHooks & PartHooks): Promise<WorkOutcome> {
    const { fill, letGo } = this;
    const { host, local, beat, signal } = this.given;
    fill.throwFailure();
    this.throwIfAbandoned(); // heard of already: no abort would end the trainer that this work spawns
    const heed = this.heedingSignals(work.id);
    try {
      const outcome = await host.perform(work, this.settings, {
        onStep: hooks.onStep,
        onProgress: beat.progress,
        fetch: local.fetch,
        isFilling: () => fill.isUnderWay,
        commit: async (state, fingerprint) => {
          await local.filled;
          this.throwIfAbandoned();
          const checkpoint = await hooks.commit(state, fingerprint);
          await discard(state.tensors, state.curve);
          return checkpoint;
        },
        keepPart: async (part) => {
          await fill.done(letGo);
          this.throwIfAbandoned();
          if (!fill.isUnderWay) await hooks.keepPart(part);
          await discard(part.tensors);
        },
        findPart: hooks.findPart,
      });
      await fill.done(letGo);
      return outcome;
    } catch (error) {
      fill.throwFailure();
      if (signal.aborted) throw signal.reason;
      throw error;
    } finally {
      heed.end();
    }
  }

  /** Nobody waits for the attempt any more: another one has the work, or nobody needs it (P3). */
  private isAbandoned(): boolean {
    const why = this.given.activity.cancellationDetails;
    return why !== undefined && (why.notFound || why.timedOut);
  }

  private throwIfAbandoned(): void {
    if (this.isAbandoned()) throw this.given.signal.reason;
  }

  /** Passes cancellation, and that the device is wanted, on to the child until it is ended (P3). */
  private heedingSignals(work: string): { end(): void } {
    const { host, signal, wanted } = this.given;
    const onAbort = (): void => {
      if (this.isAbandoned()) host.kill();
      else host.stop(work);
    };
    const onWanted = (): void => host.stop(work);
    if (signal.aborted) onAbort();
    if (wanted?.aborted) onWanted();
    signal.addEventListener('abort', onAbort);
    wanted?.addEventListener('abort', onWanted);
    return {
      end: () => {
        signal.removeEventListener('abort', onAbort);
        wanted?.removeEventListener('abort', onWanted);
      },
    };
  }
}

/** Files of a work that are in the store by now: an epoch of hours would fill the disk with them. */
async function discard(...files: readonly string[]): Promise<void> {
  // What cannot be removed goes with its folder when the work is over.
  await Promise.all(files.map((file) => rm(file, { force: true }).catch(() => undefined)));
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

function unexpected(what: string): LodestoneError {
  return new LodestoneError('Unexpected', `trainer: this work has no ${what}. This is a fault in lodestone.`);
}
