/**
 * Activities on a trainer: look for a commit, delegate to the child, commit what it saved. Safe to retry at any moment.
 *
 *   S4  A retried epoch goes on from the highest whole checkpoint that leads to where the workflow started it.
 *   S5  Done work is found under the digest of its inputs and returned.
 *   P4  A dead trainer is respawned here, from the last commit; five times without a later commit is NoProgress.
 */
import { readFile } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import { Evaluation, IndexManifest, type CheckpointRef, type ObjectRef } from '../config/artifacts';
import { digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { Blobs, holds } from '../storage/blobs';
import { CheckpointStore } from '../storage/checkpoints';
import { commitManifest, findManifest, readManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import { keyOf } from '../storage/store';
import { EmbeddingParts, type EmbeddedInputs } from './embedding-parts';
import { writeEvent } from './events';
import { translating } from './failures';
import type {
  EpochOutcome,
  EvaluateRequest,
  EpochRequest,
  RefreshOutcome,
  RefreshRequest,
  TrainerActivities,
} from './requests';
import type { TrainerServices } from './services';
import { isRecoverable, MAX_RECOVERIES, noProgress, onDevice } from './trainer-device';
import type { EvaluateWork, RefreshWork, TrainWork } from './trainer/protocol';

const COMMIT_TRIES = 20;

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
    const activity = Context.current();
    let last: CheckpointRef | null = null;
    let recoveries = 0;
    let reached: number | null = null;
    for (;;) {
      const resumed: CheckpointRef | null = await recover();
      const step = resumed?.position.globalStep ?? -1;
      if (step > (last?.position.globalStep ?? -1)) recoveries = 0;
      last = resumed;
      reached = null;
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
          onStep: (globalStep) => {
            reached = globalStep;
            services.attempts.trained(activity, { run, phase, epoch, reached });
          },
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
        if (reached !== null)
          await writeEvent(services.store, run, { type: 'lost', what: 'trainer', phase, epoch, reached });
        if (recoveries >= MAX_RECOVERIES) throw noProgress(recoveries, `epoch ${epoch} (${phase})`, error);
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
    const parts = embeddingParts(services, request, 'train+validation');
    const work = async (): Promise<RefreshWork> =>
      device.work<RefreshWork>({
        type: 'refresh',
        epoch,
        from: await device.stateFiles(checkpoint),
        previous: await device.indexFile(previous),
        parts: await parts.files((ref) => device.held(ref)),
        checkpointSeconds: request.recipe.checkpointSeconds,
      });
    const { result } = await device.performAgain(work, (part) => persisting(() => parts.commit(part)));
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
    await parts.clear(tensors.sha256);
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
    const parts = embeddingParts(services, request, 'all');
    const work = async (): Promise<EvaluateWork> => {
      const indexFile = await device.indexFile(index);
      if (!indexFile) throw new LodestoneError('Unexpected', 'evaluation: got no index. This is a fault in lodestone.');
      return device.work<EvaluateWork>({
        type: 'evaluate',
        from: await device.stateFiles(checkpoint),
        index: indexFile,
        parts: await parts.files((ref) => device.held(ref)),
        checkpointSeconds: request.recipe.checkpointSeconds,
      });
    };
    const { result } = await device.performAgain(work, (part) => persisting(() => parts.commit(part)));
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
    const manifest = await persisting(() => commitManifest(store, key, Evaluation, value));
    await parts.clear(null);
    return manifest;
  });
}

function embeddingParts(
  { store }: TrainerServices,
  { run, checkpoint, dataSet }: RefreshRequest | EvaluateRequest,
  examples: EmbeddedInputs['examples'],
): EmbeddingParts {
  return new EmbeddingParts(store, run, { checkpoint: checkpoint.digest, dataSet: dataSet.sha256, examples });
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

/** To the last bit: a damaged index that counted as done would be handed out again and again (S8). */
function isWhole(store: TrainerServices['store'], ref: ObjectRef): Promise<boolean> {
  return holds(store, keyOf(store, ref.uri), ref);
}
