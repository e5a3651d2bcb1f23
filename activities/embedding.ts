/**
 * The activities that embed a data set: refresh, evaluation, and the help that other trainers give to either. Done work is
 * found under the digest of its inputs; parts of the embeddings lie in the store, whoever made them.
 *
 *   S5  An index lies under checkpoint and previous index, an evaluation under checkpoint, index and data set.
 *   S7  Embeddings are committed part by part.
 *   H1  A refresh or evaluation never waits for help: it makes what nobody has committed. No device is held for another.
 *   H2  Help is taken from trainers that compute the same bits alone: parts lie under the fingerprint of who made them.
 *   H3  Help uses a device that nothing else wants, and gives it back within a batch.
 */
import { readFile } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { Evaluation, IndexManifest, type ObjectRef } from '../config/artifacts';
import { canonicalJson, digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { Blobs, holds } from '../storage/blobs';
import { CheckpointStore } from '../storage/checkpoints';
import { commitManifest, commitWhole, findManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import { keyOf } from '../storage/store';
import { EmbeddingParts, type EmbeddedInputs } from './embedding-parts';
import { rejectingInput } from './failures';
import { beating } from './heartbeat';
import type {
  EvaluateRequest,
  HelpOutcome,
  HelpRequest,
  RefreshOutcome,
  RefreshRequest,
  TrainerSubject,
} from './requests';
import type { TrainerServices } from './services';
import { onDevice, onSpareDevice, poolOf, type Device, type PartHooks } from './trainer-device';
import type { EvaluateWork, HelpWork, RefreshWork, Share } from './trainer/protocol';

/** Until another trainer is asked to help. */
const ASK_AGAIN = '500ms';
/** Until one is asked that computes other bits, in case that there are others. */
const ASK_OTHERS = '5s';

export async function refreshIndex(services: TrainerServices, request: RefreshRequest): Promise<RefreshOutcome> {
  const { run, checkpoint, previous, epoch, helpers = 0 } = request;
  const { store, hostQueue } = services;
  const asOutcome = (manifest: ObjectRef, value: IndexManifest): Omit<RefreshOutcome, 'pool'> => ({
    index: { manifest, digest: manifest.sha256, validationError: value.validationError },
    hostQueue,
  });
  const found = await beating(() => findIndex(services, request)); // all of an index, over whatever line there is (P5)
  if (found) return asOutcome(found.ref, found.value);

  return onDevice(services, request, async (device) => {
    const fingerprint = await device.fingerprint();
    const parts = partsOf(services, fingerprint, request, 'train+validation');
    const work = async (): Promise<RefreshWork> => ({
      ...(await device.newWork()),
      type: 'refresh',
      epoch,
      from: await device.stateFiles(checkpoint),
      previous: await device.indexFile(previous),
      ...(await embedPlan(request, device, parts, { at: 0, of: helpers + 1 })),
    });
    const { result } = await device.performAgain(work, partHooks(device, parts));
    if (result.type !== 'refreshed') throw otherResult(result.type, 'a refresh');
    const { kind, variance, clusters, validationError, warnings } = result;
    const tensors = await device.persist(() => new Blobs(store, runLayout(run).blobs).putFile(result.tensors));
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
      fingerprint: { ...fingerprint },
    };
    const isWhole = ({ tensors }: IndexManifest): Promise<boolean> => holds(store, keyOf(store, tensors.uri), tensors);
    const committed = await device.persist(() => commitWhole(store, indexKey(request), IndexManifest, value, isWhole));
    await parts.clear(committed.value.tensors.sha256);
    return {
      ...asOutcome(committed.ref, committed.value),
      pool: await poolOf(services, device),
    };
  });
}

export async function evaluateRun(services: TrainerServices, request: EvaluateRequest): Promise<ObjectRef> {
  const { checkpoint, index, dataSet, helpers = 0 } = request;
  const { store } = services;
  const found = await beating(() => findManifest(store, evaluationKey(request), Evaluation));
  if (found) return found.ref;

  return onDevice(services, request, async (device) => {
    const fingerprint = await device.fingerprint();
    const parts = partsOf(services, fingerprint, request, 'all');
    const work = async (): Promise<EvaluateWork> => {
      const indexFile = await device.indexFile(index);
      if (!indexFile) throw new LodestoneError('Unexpected', 'evaluation: got no index. This is a fault in lodestone.');
      return {
        ...(await device.newWork()),
        type: 'evaluate',
        from: await device.stateFiles(checkpoint),
        index: indexFile,
        ...(await embedPlan(request, device, parts, { at: 0, of: helpers + 1 })),
      };
    };
    const { result } = await device.performAgain(work, partHooks(device, parts));
    if (result.type !== 'evaluated') throw otherResult(result.type, 'an evaluation');
    const metrics = JSON.parse(await readFile(result.evaluation, 'utf8')) as object;
    const value = Evaluation.parse({
      version: 1,
      checkpoint: checkpoint.digest,
      index: index.digest,
      dataSet: dataSet.sha256,
      ...metrics,
      fingerprint,
    });
    const manifest = await device.persist(() => commitManifest(store, evaluationKey(request), Evaluation, value));
    await parts.clear(null);
    return manifest;
  });
}

/** Embeds parts for another trainer's refresh or evaluation, until all are there or the device is wanted (H3). */
export async function helpEmbed(services: TrainerServices, request: HelpRequest): Promise<HelpOutcome> {
  const { store } = services;
  const { run, checkpoint, share } = request;
  if (await beating(() => purposeOf(services, request))) return { parts: [] };

  const { fingerprint } = await beating(() =>
    rejectingInput(`checkpoint ${checkpoint.digest.slice(0, 12)}`, () =>
      new CheckpointStore(store, run).read(checkpoint),
    ),
  );
  try {
    return await onSpareDevice(services, request, async (device) => {
      const own = await device.fingerprint();
      if (canonicalJson(own) !== canonicalJson(fingerprint))
        throw askingAgain('this device computes other bits than the one that made the checkpoint', ASK_OTHERS);
      const examples = request.purpose.type === 'refresh' ? 'train+validation' : 'all';
      const parts = partsOf(services, own, request, examples);
      const work = async (): Promise<HelpWork> => ({
        ...(await device.newWork()),
        type: 'help',
        examples,
        from: await device.stateFiles(checkpoint),
        ...(await embedPlan(request, device, parts, share)),
      });
      const { result } = await device.performAgain(work, partHooks(device, parts));
      if (result.type !== 'helped') throw otherResult(result.type, 'help');
      const purpose = await purposeOf(services, request);
      if (purpose) await parts.clear(purpose.tensors); // committed behind the whole, nobody else removes them
      Context.current().cancellationSignal.throwIfAborted();
      if (device.wanted?.aborted) throw askingAgain('the device is wanted for work of its own', ASK_AGAIN);
      return { parts: result.parts };
    });
  } catch (error) {
    if (!(error instanceof LodestoneError) || error.kind !== 'DeviceBusy') throw error;
    throw askingAgain(error.message, ASK_AGAIN);
  }
}

function indexKey({
  run,
  checkpoint,
  previous,
  recipe,
}: Pick<RefreshRequest, keyof TrainerSubject | 'checkpoint' | 'previous'>): string {
  const inputs = { checkpoint: checkpoint.digest, previous: previous?.digest ?? null, kind: recipe.objective };
  return runLayout(run).index(digestOf(inputs));
}

function evaluationKey({
  run,
  checkpoint,
  index,
  dataSet,
}: Pick<EvaluateRequest, keyof TrainerSubject | 'checkpoint' | 'index'>): string {
  return runLayout(run).evaluation(
    digestOf({ checkpoint: checkpoint.digest, index: index.digest, dataSet: dataSet.sha256 }),
  );
}

/** To the last bit: a damaged index that counted as done would be handed out again and again (S8). */
async function findIndex({ store }: TrainerServices, request: Parameters<typeof indexKey>[0]) {
  const found = await findManifest(store, indexKey(request), IndexManifest);
  if (!found) return null;
  const { tensors } = found.value;
  return (await holds(store, keyOf(store, tensors.uri), tensors)) ? found : null;
}

/** What help is for, once it is committed. `tensors`: sha256 of what it names of its own; null: nothing. */
async function purposeOf(
  services: TrainerServices,
  { purpose, ...request }: HelpRequest,
): Promise<{ tensors: string | null } | null> {
  switch (purpose.type) {
    case 'refresh': {
      const found = await findIndex(services, { ...request, previous: purpose.previous });
      return found && { tensors: found.value.tensors.sha256 };
    }
    case 'evaluate': {
      const key = evaluationKey({ ...request, index: purpose.index });
      return (await findManifest(services.store, key, Evaluation)) && { tensors: null };
    }
  }
}

/** @param fingerprint of the trainer that embeds */
function partsOf(
  { store }: TrainerServices,
  fingerprint: Readonly<Record<string, string>>,
  { run, checkpoint, dataSet }: TrainerSubject & Pick<RefreshRequest, 'checkpoint'>,
  examples: EmbeddedInputs['examples'],
): EmbeddingParts {
  return new EmbeddingParts(store, run, {
    checkpoint: checkpoint.digest,
    dataSet: dataSet.sha256,
    examples,
    fingerprint: digestOf(fingerprint),
  });
}

/**
 * What the works that embed share. Where others embed too, every part is committed as soon as it is there. Help needs nobody
 * else's parts: it asks which there are, and brings none here.
 */
async function embedPlan({ recipe }: TrainerSubject, device: Device, parts: EmbeddingParts, share: Share) {
  return {
    parts: share.at === 0 ? await parts.files((ref) => device.localFile(ref)) : [],
    checkpointSeconds: share.of > 1 ? 0 : recipe.checkpointSeconds,
    share,
  };
}

function partHooks(device: Device, parts: EmbeddingParts): PartHooks {
  return {
    keepPart: (part) => device.persist(() => parts.commit(part)),
    findPart: (part, bring) => parts.find(part, bring ? (ref) => device.localFile(ref) : null),
  };
}

/** Another trainer is asked, or this one later: as often as it takes, and until nobody needs the help any more. */
function askingAgain(why: string, delay: typeof ASK_AGAIN | typeof ASK_OTHERS): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'DeviceBusy',
    message: `help: ${why}; another trainer is asked.`,
    nonRetryable: false,
    nextRetryDelay: delay,
  });
}

function otherResult(got: string, of: string): LodestoneError {
  return new LodestoneError('Unexpected', `trainer: got ${got} for ${of}. This is a fault in lodestone.`);
}
