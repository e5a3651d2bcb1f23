/**
 * Training on a trainer: look for a commit, delegate to the child, commit what it saved. Safe to retry at any moment.
 *
 *   S4  A retried epoch goes on from the highest whole checkpoint that leads to where the workflow started it.
 *   S5  Done work is found under the digest of its inputs and returned.
 *   B1  A checkpoint says in which environments the steps of its epoch were made: others than its own compute other bits.
 *   P4  A dead trainer is respawned here, from the last commit; five times without a later commit is NoProgress.
 */
import { readFile } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { CheckpointManifest, CheckpointRef } from '../config/artifacts';
import { canonicalJson } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { CheckpointStore } from '../storage/checkpoints';
import { runLayout } from '../storage/run-layout';
import { evaluateRun, helpEmbed, refreshIndex } from './embedding';
import { writeEvent } from './events';
import { translating } from './failures';
import { beating } from './heartbeat';
import type {
  EpochOutcome,
  EvaluateRequest,
  EpochRequest,
  HelpRequest,
  RefreshRequest,
  TrainerActivities,
} from './requests';
import { Losses } from './recoveries';
import { fingerprintsOf } from './run-records';
import type { TrainerServices } from './services';
import { onDevice, poolOf } from './trainer-device';
import type { TrainWork } from './trainer/protocol';

export function createTrainerActivities(services: TrainerServices): TrainerActivities {
  return translating({
    trainEpoch: (request: EpochRequest) => trainEpoch(services, request),
    refreshIndex: (request: RefreshRequest) => refreshIndex(services, request),
    evaluateRun: (request: EvaluateRequest) => evaluateRun(services, request),
    helpEmbed: (request: HelpRequest) => helpEmbed(services, request),
  });
}

async function trainEpoch(services: TrainerServices, request: EpochRequest): Promise<EpochOutcome> {
  const { run, phase, epoch, from, index } = request;
  const { hostQueue } = services;
  const checkpoints = new CheckpointStore(services.store, run);
  const record = checkpoints.epochRecord(phase, epoch, from, index?.digest ?? null);
  const committed = await beating(() => record.read()); // all of a checkpoint, over whatever line there is (P5)
  if (committed) {
    const pool = await poolOf(services, { parts: 1 }); // its data set is not looked at
    return { checkpoint: committed, outcome: 'finished', hostQueue, pool };
  }

  return onDevice(services, request, async (device) => {
    const indexFile = await device.indexFile(index);
    const skipped: string[] = [];
    const recover = (): Promise<CheckpointRef | null> =>
      checkpoints.recover(from, phase, epoch, { index: index?.digest ?? null, skipped });
    const activity = Context.current();
    let last: CheckpointRef | null = null;
    const losses = new Losses();
    let reached: number | null = null;
    for (;;) {
      const resumed: CheckpointRef | null = await recover();
      const step = resumed?.position.globalStep ?? -1;
      if (step > (last?.position.globalStep ?? -1)) losses.progressed();
      last = resumed;
      reached = null;
      const told = writeEvent(services.store, run, {
        type: 'attempt',
        phase,
        epoch,
        resumedFrom: resumed?.position.globalStep ?? null,
        skipped: skipped.splice(0),
      });
      try {
        const [state, earlier] = await Promise.all([
          device.stateFiles(resumed ?? from),
          resumed && checkpoints.read(resumed),
          told,
        ]);
        const work: TrainWork = {
          ...(await device.newWork()),
          type: 'train',
          phase,
          epoch,
          index: indexFile,
          checkpointSeconds: request.recipe.checkpointSeconds,
          profile: request.recipe.profile,
          from: state,
        };
        const { result, checkpoint } = await device.perform(work, {
          onStep: (globalStep) => {
            reached = globalStep;
            services.attempts.trained(activity, { run, phase, epoch, reached });
          },
          commit: (state, fingerprint) =>
            device.persist(() =>
              checkpoints.commit({
                manifest: {
                  version: 1,
                  position: state.position,
                  parent: from?.digest ?? null,
                  index: index?.digest ?? null,
                  seed: request.recipe.seed,
                  fingerprint: { ...fingerprint },
                  ...madeWith(earlier, fingerprint),
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
        const { speed, profile } = result;
        const kept = Promise.all([
          speed && writeEvent(services.store, run, { type: 'speed', phase, epoch, speed }),
          profile && keepProfile(services, run, profile),
        ]);
        if (result.outcome === 'finished') {
          const [ended, pool] = await Promise.all([record.create(checkpoint), poolOf(services, device), kept]);
          return { checkpoint: ended, outcome: 'finished', speed, hostQueue, pool };
        }
        await kept;
        device.rethrowUnlessStopped();
        return { checkpoint, outcome: 'stopped', speed, hostQueue };
      } catch (error) {
        if (!losses.add(error)) throw error;
        if (reached !== null)
          await writeEvent(services.store, run, { type: 'lost', what: 'trainer', phase, epoch, reached });
        losses.refuseTooMany(`epoch ${epoch} (${phase})`, error);
      }
    }
  });
}

/**
 * What a checkpoint says of the environments that its epoch's steps were made in, beside its own: its parent is the epoch's
 * start, so nothing else of it leads to a checkpoint inside the epoch.
 */
function madeWith(
  earlier: CheckpointManifest | null,
  own: Readonly<Record<string, string>>,
): Pick<CheckpointManifest, 'otherFingerprints'> {
  const others = (earlier ? fingerprintsOf(earlier) : []).filter((one) => canonicalJson(one) !== canonicalJson(own));
  return others.length > 0 ? { otherFingerprints: others } : {};
}

async function keepProfile({ store }: TrainerServices, run: string, file: string): Promise<void> {
  await store.put(runLayout(run).profile, await readFile(file));
}
