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
import { classesOf } from '../../learning/training-data';
import type { HeartbeatDetails } from '../requests';
import { readIndex, writeIndex, writeState, writeWhole } from './files';
import type { HeldSession, Loaded } from './held-session';
import { embedInParts } from './embedding-parts';
import type { Activity, EvaluateWork, PartFile, RefreshWork, SavedState, TrainWork, WorkResult } from './protocol';

/** What a work tells and asks while it runs. */
export interface WorkHooks {
  doing(activity: Activity): void;
  /** A step is applied: the state is no longer that of the last checkpoint. */
  stepped(globalStep: number): void;
  progress(details: HeartbeatDetails): void;
  checkpoint(state: SavedState): void;
  part(part: PartFile): void;
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
  let stepsTold = session.position.epoch === work.epoch ? session.position.step : 0;
  let loss: number | null = null;
  const images = work.phase === 'warm-start' ? recipe.warmStart.batchSize : imagesPerStep(objectiveOf(recipe));
  const save = async (): Promise<void> => {
    while (hooks.uncommitted() >= MAX_UNCOMMITTED) {
      hooks.doing('commit');
      await hooks.nextCommit();
    }
    hooks.checkpoint(await writeState(work.scratch, ++sequence, session.capture()));
    saved = hooks.seconds();
    hooks.doing('step');
  };
  const tell = (): void => {
    const elapsed = hooks.seconds() - told;
    const { step } = session.position;
    hooks.progress({
      phase: work.phase,
      epoch: work.epoch,
      epochs: work.phase === 'warm-start' ? recipe.warmStart.epochs : recipe.epochs,
      step,
      steps: session.stepsPerEpoch,
      imagesPerSecond: elapsed > 0 ? ((step - stepsTold) * images) / elapsed : null,
      loss,
    });
    told = hooks.seconds();
    stepsTold = step;
  };

  if (work.epoch > recipe.warmStart.epochs && work.phase === 'warm-start') {
    await save(); // no warm start: its end is the initial weights
    return { type: 'trained', outcome: 'finished' };
  }
  hooks.doing('step');
  const outcome = await session.trainEpoch(work.epoch, index, {
    onStep: (row) => {
      hooks.stepped(row.step);
      loss = row.loss;
    },
    afterStep: async () => {
      await macrotask();
      if (hooks.seconds() - told >= PROGRESS_SECONDS) tell();
      if (session.position.step < session.stepsPerEpoch && hooks.seconds() - saved >= work.checkpointSeconds)
        await save();
    },
    shouldStop: () => hooks.stopRequested(),
  });
  tell();
  await save();
  return { type: 'trained', outcome };
}

export async function refresh(work: RefreshWork, held: HeldSession, hooks: WorkHooks): Promise<WorkResult> {
  hooks.doing('load');
  const loaded = await held.at(work.load, work.from, 'train');
  const { session, data } = loaded;
  const { recipe } = work.load;
  const objective = objectiveOf(recipe);
  const { embeddingSize } = session;
  hooks.doing('refresh');
  const embeddings = await embed(loaded, [...data.train, ...data.validation], work, work.epoch, hooks);
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
  const everything = data.examples.map((_, i) => i);
  const embeddings = await embed(loaded, everything, work, recipe.epochs, hooks);
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

function embed(
  { session }: Loaded,
  examples: readonly number[],
  work: RefreshWork | EvaluateWork,
  epoch: number,
  hooks: WorkHooks,
): Promise<Float32Array> {
  const begun = hooks.seconds();
  let told = begun;
  return embedInParts(session, examples, work, hooks, async (done) => {
    const now = hooks.seconds();
    if (now - told >= PROGRESS_SECONDS) {
      hooks.progress({
        phase: work.type,
        epoch,
        epochs: work.load.recipe.epochs,
        step: done,
        steps: examples.length,
        imagesPerSecond: done / (now - begun),
        loss: null,
      });
      told = now;
    }
    await macrotask();
  });
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
