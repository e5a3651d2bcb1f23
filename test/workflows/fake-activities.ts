/**
 * Activities that compute nothing and answer at once, with references as real ones give them: named by their inputs, so
 * that the same request gets the same answer. A test exchanges those whose behaviour it is about.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { CheckpointRef, IndexRef, ObjectRef } from '../../config/artifacts';
import { digestOf } from '../../config/canonical-json';
import type {
  BindRequest,
  DecodeActivities,
  EpochOutcome,
  EpochRequest,
  FinishRequest,
  PipelineActivities,
  RefreshRequest,
  TrainerActivities,
} from '../../activities/requests';
import { failures, type FailureKind } from '../../errors';
import { resultOf } from '../cli/support';

export const hostQueue = 'lodestone-gpu-of-this-host';

export type AllActivities = PipelineActivities & DecodeActivities & TrainerActivities;

export interface Call {
  readonly activity: keyof AllActivities;
  readonly request: Parameters<AllActivities[keyof AllActivities]>[0];
}

export function objectOf(inputs: unknown): ObjectRef {
  const sha256 = digestOf(inputs);
  return { uri: `s3://lodestone/${sha256.slice(0, 12)}`, sha256, bytes: 1 };
}

/** The checkpoint that ends an epoch which started from `from`. */
export function endOf({ phase, epoch, from }: Pick<EpochRequest, 'phase' | 'epoch' | 'from'>): CheckpointRef {
  const manifest = objectOf({ phase, epoch, from: from?.digest ?? null });
  return { manifest, digest: manifest.sha256, position: { phase, epoch, step: 10, globalStep: 10 * epoch } };
}

function indexOf({ checkpoint, previous }: RefreshRequest): IndexRef {
  const manifest = objectOf({ checkpoint: checkpoint.digest, previous: previous?.digest ?? null });
  return { manifest, digest: manifest.sha256, validationError: 0.25 };
}

const report = objectOf('report');

export const answering: AllActivities = {
  bindRun: (request: BindRequest) =>
    Promise.resolve({ configuration: digestOf(request.recipe), threads: request.threads ?? 2, finished: null }),
  scanData: () =>
    Promise.resolve({ scan: objectOf('scan'), records: 24, shards: 2, label: 'coarse', fineLabel: 'fine' }),
  packShard: ({ shard }) => Promise.resolve(objectOf({ shard })),
  assembleDataSet: ({ shards }) => Promise.resolve(objectOf({ dataSet: shards.map(({ sha256 }) => sha256) })),
  trainEpoch: (request) => Promise.resolve({ checkpoint: endOf(request), outcome: 'finished', hostQueue }),
  refreshIndex: (request) => Promise.resolve({ index: indexOf(request), hostQueue }),
  evaluateRun: ({ checkpoint, index }) => Promise.resolve(objectOf({ evaluation: [checkpoint.digest, index.digest] })),
  helpEmbed: () => Promise.resolve({ parts: [] }),
  finishRun: ({ run, recipe, status, epochs, checkpoint, index, evaluation }: FinishRequest) =>
    Promise.resolve({
      result: resultOf(run, { objective: recipe.objective, status, epochs, checkpoint, index, evaluation }),
      report,
    }),
  writeComparison: () => Promise.resolve(report),
  writeRecovery: ({ pairings }) =>
    Promise.resolve({
      report,
      summary: [
        { objective: 'magnet', pairings: pairings.length, error1: { mean: 0.2, sd: 0 }, error5: { mean: 0.1, sd: 0 } },
      ],
    }),
};

/** Beats until it is cancelled, as real work does between batches. */
export async function untilLetGo(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 100);
  return context.cancelled.finally(() => clearInterval(beat));
}

/** A gate that activities wait at until a test opens it. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** What an epoch that is asked to stop answers: where it stopped. */
export async function stopping(begun: () => void, end: EpochOutcome): Promise<EpochOutcome> {
  begun();
  await untilLetGo().catch(() => undefined);
  return { ...end, outcome: 'stopped' };
}

/** Trains until it is asked to stop, then answers with a checkpoint inside the epoch, as a real one does (P3). */
export function trainingUntilStopped(begun: () => void): TrainerActivities['trainEpoch'] {
  return async (request) => {
    const end = await answering.trainEpoch(request);
    return request.phase === 'warm-start' ? end : stopping(begun, end);
  };
}

/** What was asked for, in order. */
export function namesOf(calls: readonly Call[]): string[] {
  return calls.map(({ activity }) => activity);
}

/** As activities/failures.ts translates it. */
export function failing(kind: FailureKind | 'WorkerShutdown', facts: Record<string, unknown> = {}): ApplicationFailure {
  return ApplicationFailure.create({
    type: kind,
    message: `made to fail with ${kind}`,
    nonRetryable: kind !== 'WorkerShutdown' && !failures[kind].retry,
    details: [facts],
  });
}
