/**
 * The works of a trainer child: train an epoch, refresh the index, evaluate. Each takes committed files and leaves files.
 * Knows learning/ and local files; when to checkpoint is its business, where checkpoints go is the host's.
 *
 *   P1  A macrotask is yielded after every step and batch, so that messages of the host are heard.
 *   S7  Training pauses while two checkpoints are uncommitted.
 */
import { join } from 'node:path';
import { canonicalJson } from '../../config/canonical-json';
import { objectiveOf } from '../../config/recipe';
import { evaluate, validationErrorOf } from '../../learning/evaluation';
import { buildClusterIndex } from '../../learning/index/cluster';
import type { RunIndex } from '../../learning/index/run-index';
import { imagesPerStep } from '../../learning/sampling/sampler';
import { classesOf, type TrainingData } from '../../learning/training-data';
import type { HeartbeatDetails } from '../requests';
import { EpochMeter } from './epoch-meter';
import { readIndex, writeIndex, writeState, writeWhole } from './files';
import type { HeldSession, Loaded } from './held-session';
import { embedInParts, embedMissingParts } from './embedding-parts';
import type {
  Activity,
  EvaluateWork,
  FoundPart,
  HelpWork,
  PartFile,
  RefreshWork,
  SavedState,
  TrainWork,
  WorkResult,
} from './protocol';

/** What a work tells and asks while it runs. */
export interface WorkHooks {
  doing(activity: Activity): void;
  /** A step is applied: the state is no longer that of the last checkpoint. */
  stepped(globalStep: number): void;
  progress(details: HeartbeatDetails): void;
  checkpoint(state: SavedState): void;
  part(part: PartFile): void;
  /** Whether another trainer has committed a part by now; `bring`: as a local file. */
  find(part: number, bring: boolean): Promise<FoundPart>;
  /** Checkpoints sent and not yet committed. */
  uncommitted(): number;
  /** Resolves at the next commit. */
  nextCommit(): Promise<void>;
  stopRequested(): boolean;
  /** Seconds of a monotonic clock: a clock set back must not hold checkpoints up (B4). */
  seconds(): number;
}

const MAX_UNCOMMITTED = 2;
const PROGRESS_SECONDS = 0.5;

export async function train(work: TrainWork, held: HeldSession, hooks: WorkHooks): Promise<WorkResult> {
  const { recipe } = work.load;
  hooks.doing('load');
  const { session } = await held.at(work.load, work.from, work.phase);
  const index = work.index && (await readIndex(work.index));
  let sequence = 0;
  let saved = hooks.seconds();
  let told = saved;
  let loss: number | null = null;
  const images = work.phase === 'warm-start' ? recipe.warmStart.batchSize : imagesPerStep(objectiveOf(recipe));
  const meter = new EpochMeter(work, images, () => hooks.seconds());
  const save = async (): Promise<void> => {
    meter.enter('checkpoint');
    while (hooks.uncommitted() >= MAX_UNCOMMITTED) {
      hooks.doing('commit');
      await hooks.nextCommit();
    }
    hooks.checkpoint(await writeState(work.scratch, ++sequence, session.capture()));
    saved = hooks.seconds();
    meter.enter('messages');
    hooks.doing('step');
  };
  const tell = (): void => {
    hooks.progress({
      phase: work.phase,
      epoch: work.epoch,
      epochs: work.phase === 'warm-start' ? recipe.warmStart.epochs : recipe.epochs,
      step: session.position.step,
      steps: session.stepsPerEpoch,
      loss,
      ...meter.pace(),
    });
    told = hooks.seconds();
  };

  if (work.epoch > recipe.warmStart.epochs && work.phase === 'warm-start') {
    await save(); // no warm start: its end is the initial weights
    return { type: 'trained', outcome: 'finished', speed: null, profile: null };
  }
  hooks.doing('step');
  const outcome = await session.trainEpoch(work.epoch, index, {
    onStep: (row) => {
      hooks.stepped(row.step);
      meter.stepped();
      loss = row.loss;
    },
    enter: (part) => meter.enter(part),
    afterStep: async () => {
      meter.enter('messages');
      await macrotask();
      if (hooks.seconds() - told >= PROGRESS_SECONDS) tell();
      if (session.position.step < session.stepsPerEpoch && hooks.seconds() - saved >= work.checkpointSeconds)
        await save();
    },
    shouldStop: () => hooks.stopRequested(),
  });
  tell();
  await save();
  const speed = meter.speed();
  return { type: 'trained', outcome, speed, profile: await meter.writeProfile(speed) };
}

export async function refresh(work: RefreshWork, held: HeldSession, hooks: WorkHooks): Promise<WorkResult> {
  hooks.doing('load');
  const loaded = await held.at(work.load, work.from, 'train');
  const { session, data } = loaded;
  const { recipe } = work.load;
  const objective = objectiveOf(recipe);
  const { embeddingSize } = session;
  hooks.doing('refresh');
  const embeddings = await embed(loaded, examplesOf(data, 'train+validation'), work, work.epoch, hooks);
  const trainEmbeddings = embeddings.subarray(0, data.train.length * embeddingSize);
  const previous = work.previous && (await readIndex(work.previous));
  let index: RunIndex = { type: 'embeddings', embeddings: trainEmbeddings, embeddingSize };
  let warnings: string[] = [];
  if (objective.type === 'magnet') {
    hooks.doing('refresh');
    ({ index, warnings } = buildClusterIndex({
      embeddings: trainEmbeddings,
      embeddingSize,
      classes: classesOf(data, data.train, 'trained'),
      classNames: data.classes,
      clustersPerClass: objective.clustersPerClass,
      previous: previous?.type === 'clusters' ? previous : null,
      seed: recipe.seed,
      epoch: work.epoch,
    }));
  }
  hooks.doing('refresh');
  const validationError = validationErrorOf({
    data,
    objective,
    evaluation: recipe.evaluation,
    index,
    runningVariance: session.runningVariance,
    trainEmbeddings,
    validationEmbeddings: embeddings.subarray(trainEmbeddings.length),
    embeddingSize,
    headScores: (rows) => session.headScores(rows),
  });
  const tensors = join(work.scratch, 'index.safetensors');
  await writeIndex(tensors, index);
  const clusters = index.type === 'clusters' ? index.clusterClass.length : 0;
  const variance = index.type === 'clusters' ? index.variance : null;
  return { type: 'refreshed', kind: index.type, tensors, variance, clusters, validationError, warnings };
}

export async function evaluateState(work: EvaluateWork, held: HeldSession, hooks: WorkHooks): Promise<WorkResult> {
  hooks.doing('load');
  const loaded = await held.at(work.load, work.from, 'train');
  const { session, data, source } = loaded;
  const { recipe } = work.load;
  hooks.doing('evaluate');
  const embeddings = await embed(loaded, examplesOf(data, 'all'), work, recipe.epochs, hooks);
  const evaluation = await evaluate({
    data,
    objective: objectiveOf(recipe),
    evaluation: recipe.evaluation,
    index: await readIndex(work.index),
    runningVariance: session.runningVariance,
    embeddings,
    embeddingSize: session.embeddingSize,
    headScores: (rows) => session.headScores(rows),
    source,
    seed: recipe.seed,
    onProgress: async (done, of) => {
      hooks.progress({
        phase: 'evaluate',
        epoch: recipe.epochs,
        epochs: recipe.epochs,
        step: done,
        steps: of,
        imagesPerSecond: null,
        loss: null,
      });
      await macrotask();
    },
  });
  const path = join(work.scratch, 'evaluation.json');
  await writeWhole(path, Buffer.from(canonicalJson(evaluation)));
  return { type: 'evaluated', evaluation: path };
}

/** Embeds what is missing for another trainer; ends early, with what is made, as soon as it is asked to stop. */
export async function help(work: HelpWork, held: HeldSession, hooks: WorkHooks): Promise<WorkResult> {
  hooks.doing('load');
  const { session, data } = await held.at(work.load, work.from, 'train');
  hooks.doing('refresh');
  const examples = examplesOf(data, work.examples);
  const onBatch = telling(examples.length, work, work.load.recipe.epochs, hooks);
  return { type: 'helped', parts: await embedMissingParts(session, examples, work, hooks, onBatch) };
}

/** In the order in which they are embedded and parts are counted. */
function examplesOf(data: TrainingData, which: HelpWork['examples']): readonly number[] {
  return which === 'all' ? data.examples.map((_, i) => i) : [...data.train, ...data.validation];
}

function embed(
  { session }: Loaded,
  examples: readonly number[],
  work: RefreshWork | EvaluateWork,
  epoch: number,
  hooks: WorkHooks,
): Promise<Float32Array> {
  return embedInParts(session, examples, work, hooks, telling(examples.length, work, epoch, hooks));
}

/** Tells of progress now and then. @returns awaited after each batch with the number of examples done */
function telling(
  examples: number,
  work: RefreshWork | EvaluateWork | HelpWork,
  epoch: number,
  hooks: WorkHooks,
): (done: number) => Promise<void> {
  const begun = hooks.seconds();
  let told = begun;
  return async (done) => {
    const now = hooks.seconds();
    if (now - told >= PROGRESS_SECONDS) {
      hooks.progress({
        phase: work.type,
        epoch,
        epochs: work.load.recipe.epochs,
        step: done,
        steps: examples,
        imagesPerSecond: done / (now - begun),
        loss: null,
      });
      told = now;
    }
    await macrotask();
  };
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
