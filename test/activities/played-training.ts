/** The training activity above a trainer that is played, with real files in a store and a cache of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { CheckpointRef, Fingerprint, ObjectRef } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import type { EpochOutcome, EpochRequest } from '../../activities/requests';
import type { TrainerServices } from '../../activities/services';
import type { TrainerHooks, WorkOutcome } from '../../activities/trainer/host';
import type { TrainWork } from '../../activities/trainer/protocol';
import { createTrainerActivities } from '../../activities/training';
import { LodestoneError } from '../../errors';
import { LocalCache } from '../../storage/cache';
import { FileStore } from '../../storage/file-store';
import type { ObjectStore } from '../../storage/store';
import { emptyDataSet } from './played-data-sets';

export const RUN = 'played';

/** What the trainer does in place of a real one. */
export type Play = (work: TrainWork, hooks: TrainerHooks) => Promise<WorkOutcome>;

export interface Stage {
  readonly services: TrainerServices;
  readonly environment: MockActivityEnvironment;
  /** What the trainer's host was told, in order. */
  readonly told: string[];
}

export class PlayedTraining {
  private constructor(
    readonly folder: string,
    readonly store: FileStore,
    /** An empty one, unless a test sets another. */
    public dataSet: ObjectRef,
  ) {}

  static async begin(): Promise<PlayedTraining> {
    const folder = await mkdtemp(join(tmpdir(), 'lodestone-training-'));
    const store = new FileStore(join(folder, 'store'));
    return new PlayedTraining(folder, store, await emptyDataSet(store));
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** @param store what the activity sees of the store */
  stage(play: Play, store: ObjectStore = this.store): Stage {
    const told: string[] = [];
    const host = {
      withDevice: (_: string, use: () => unknown) => use(),
      fingerprint: () => Promise.resolve({}),
      perform: (work: TrainWork, _: unknown, hooks: TrainerHooks) => play(work, hooks),
      stop: () => told.push('stop'),
      kill: () => told.push('kill'),
    };
    const services = {
      store,
      cache: new LocalCache(join(this.folder, 'cache'), { maxBytes: 1e9 }),
      directory: this.folder,
      host,
      attempts: { trained: () => undefined },
      hostQueue: 'private',
      countTrainers: () => Promise.resolve(1),
    } as unknown as TrainerServices;
    return { services, environment: new MockActivityEnvironment(), told };
  }

  train({ services, environment }: Stage, request: Partial<EpochRequest> = {}): Promise<EpochOutcome> {
    const activities = createTrainerActivities(services);
    const whole: EpochRequest = {
      run: RUN,
      recipe: Recipe.parse({}),
      threads: 1,
      dataSet: this.dataSet,
      phase: 'train',
      epoch: 1,
      from: null,
      index: null,
      ...request,
    };
    return environment.run((given: EpochRequest) => activities.trainEpoch(given), whole);
  }
}

export function lost(): never {
  throw new LodestoneError('TrainerLost', 'trainer: the process ended (SIGKILL)');
}

/** Steps to a global step and commits it, as the host of a real trainer does. */
export async function stepTo(
  globalStep: number,
  { epoch, scratch }: TrainWork,
  hooks: TrainerHooks,
  fingerprint: Fingerprint = {},
): Promise<CheckpointRef> {
  hooks.onStep(globalStep);
  const sequence = 1; // what a trainer writes first, so also after each loss
  const [tensors, curve] = [join(scratch, `${sequence}.tensors`), join(scratch, `${sequence}.curve`)];
  await writeFile(tensors, weightsAt(globalStep));
  await writeFile(curve, '[]');
  const position = { phase: 'train', epoch, step: globalStep, globalStep } as const;
  return hooks.commit({ sequence, position, tensors, curve }, fingerprint);
}

export function weightsAt(globalStep: number): string {
  return `weights of step ${globalStep}`;
}

export function finished(checkpoint: CheckpointRef, outcome: 'finished' | 'stopped' = 'finished'): WorkOutcome {
  return { result: { type: 'trained', outcome, speed: null, profile: null }, checkpoint };
}
