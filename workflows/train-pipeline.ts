/**
 * One run of one objective, as the paper trains it: preprocess, short softmax warm start, then refresh and epoch in turn,
 * a last refresh at the final weights, evaluation, report. Deterministic: everything that happens is in its history.
 *
 *   W1  The input is parsed first. W2  Handlers stand before the first await; no await between reading a stop and acting on it.
 *   W3  The same name again finds a finished result in storage (bindRun) and returns it.
 *   S8  An input that cannot be read sends the run back to the last good one; it then makes again what is missing.
 */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { CheckpointRef, ObjectRef, RunResult } from '../config/artifacts';
import type { Recipe } from '../config/recipe';
import { TrainPipelineInput, type RunProgress } from '../config/workflow-input';
import type { EpochOutcome, FinishedRun, Pool, TrainerActivities, TrainerSubject } from '../activities/requests';
import { helpersIn, onTrainer, pipeline, withHelpers } from './activities';
import { parseInput, parseRunName } from './input';
import { preprocess } from './preprocess';
import { RunState } from './run-state';
import { isEndByStop, noteFailure, runStopped, untilStopped } from './stopping';

export const progressQuery = defineQuery<RunProgress>('progress');
export const requestStopUpdate = defineUpdate<RunProgress>('requestStop');
export const stopSignal = defineSignal('stop');
export const extendUpdate = defineUpdate<RunProgress, [{ epochs: number }]>('extend');

export interface RunOutcome {
  readonly type: 'run';
  readonly result: RunResult;
  readonly report: ObjectRef;
}

export async function trainPipeline(raw: unknown): Promise<RunOutcome> {
  const input = parseInput(TrainPipelineInput, raw);
  const run = parseRunName(workflowInfo().workflowId);
  const { data, shared } = input;
  let { recipe } = input;
  let state: RunState | null = input.carried && RunState.resume(input.carried);
  let stopRequested = state?.stopRequested ?? false;
  let extendedTo = 0;
  let stage: RunProgress['stage'] = 'binding'; // before there is a state
  const stopScope = new CancellationScope();
  const stop = (): void => {
    stopRequested = true;
    state?.requestStop();
    stopScope.cancel(); // the epoch under way checkpoints and returns what it committed (P3)
  };
  const progress = (): RunProgress =>
    state?.progress() ?? {
      stage,
      epoch: 0,
      epochs: recipe.epochs,
      validationErrors: [],
      stopRequested,
      speed: null,
      children: [],
    };
  setHandler(progressQuery, progress);
  setHandler(stopSignal, stop);
  setHandler(requestStopUpdate, () => (stop(), progress()));
  setHandler(
    extendUpdate,
    ({ epochs }) => {
      extendedTo = Math.max(extendedTo, epochs);
      state?.extend(epochs);
      return progress();
    },
    {
      validator: ({ epochs }) => {
        if (!Number.isInteger(epochs) || epochs < 1)
          throw new Error(`epochs: got ${epochs}, must be a whole number of epochs in all, such as 30.`);
      },
    },
  );

  if (!state) {
    const bound = await pipeline.bindRun({ run, data, recipe, kind: 'run', also: {}, threads: recipe.engine.threads });
    if (bound.finished && bound.finished.result.epochs >= extendedTo) return { type: 'run', ...bound.finished };
    stage = 'preprocess';
    const prepared = shared
      ? { dataSet: shared.dataSet, recipe }
      : await untilStopped(stopScope, () => preprocess(run, data, recipe));
    recipe = prepared.recipe;
    state = RunState.start(recipe, bound, prepared.dataSet);
    if (stopRequested) state.requestStop();
    state.extend(extendedTo);
  }
  const current = state;
  const subject: TrainerSubject = { run, recipe, threads: current.threads, dataSet: current.dataSet };
  let host: string | null = null;
  let helpers = 0;
  const placed = ({ hostQueue, pool }: { readonly hostQueue: string; readonly pool?: Pool }): void => {
    host = hostQueue;
    helpers = helpersIn(pool);
  };

  const trainer = <T extends { hostQueue: string }>(work: (activities: TrainerActivities) => Promise<T>): Promise<T> =>
    onTrainer(host, work).then((outcome) => {
      placed(outcome);
      return outcome;
    });
  const refresh = async (): Promise<void> => {
    current.stage = 'refresh';
    const { index: previous, epoch } = current;
    const checkpoint = present(current.checkpoint);
    const request = { ...subject, checkpoint, previous, epoch, helpers };
    const help = { ...subject, checkpoint, purpose: { type: 'refresh', previous } } as const;
    current.refreshed(await withHelpers(helpers, help, () => trainer((on) => on.refreshIndex(request))));
    setCurrentDetails(describe(recipe, current));
  };

  /** From where the state stands to the result. */
  const advance = async (): Promise<FinishedRun> => {
    if (!current.warmStart) {
      current.stage = 'warm-start';
      current.warmStarted(shared?.warmStart ?? (await warmStart(subject, stopScope, placed)));
    }
    if (!current.index) await refresh();
    while (current.hasWork()) {
      current.stage = 'train';
      try {
        current.trained(await stopScope.run(() => trainer((on) => on.trainEpoch(epochRequest(subject, current)))));
      } catch (failure) {
        const stopped = isEndByStop(failure) && current.stopRequested;
        if (!stopped || CancellationScope.current().consideredCancelled) throw failure;
        noteFailure(failure);
        break; // before it could say what it committed
      }
      await refresh();
      if (current.hasWork() && workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished); // no accepted update is lost between runs (W2)
        await continueAsNew<typeof trainPipeline>({ ...input, recipe, carried: current.carry() });
      }
    }

    current.stage = 'evaluate';
    const checkpoint = present(current.checkpoint);
    const index = present(current.index);
    const help = { ...subject, checkpoint, purpose: { type: 'evaluate', index } } as const;
    const evaluation = await withHelpers(helpers, help, () =>
      onTrainer(host, (on) => on.evaluateRun({ ...subject, checkpoint, index, helpers })),
    );
    current.stage = 'report';
    return pipeline.finishRun({
      ...subject,
      data,
      status: current.epoch >= current.epochs ? 'finished' : 'stopped',
      epochs: current.epoch,
      configuration: current.configuration,
      checkpoint,
      index,
      evaluation,
      validationErrors: current.validationErrors,
      warmStart: present(current.warmStart),
    });
  };

  for (;;) {
    const finished = await advance().catch((failure: unknown) => {
      const rejected = rejectedInput(failure);
      if (!rejected || !current.rewind(rejected.lastGood)) throw failure;
      log.warn('a stored input cannot be read: going back', { ...rejected, toEpoch: current.epoch });
      return null;
    });
    await condition(allHandlersFinished);
    if (finished === null || current.hasWork()) continue; // went back, or extended while it was evaluated (W2)
    current.stage = 'done';
    return { type: 'run', ...finished };
  }
}

/**
 * The softmax epochs before the objective, one activity each (METHOD: a network trained 3 epochs only).
 * @param scope is cancelled by a stop
 * @throws runStopped(): a warm start that did not end is nothing to evaluate
 */
export async function warmStart(
  subject: TrainerSubject,
  scope: CancellationScope,
  onOutcome: (outcome: EpochOutcome) => void,
): Promise<CheckpointRef> {
  let from: CheckpointRef | null = null;
  let host: string | null = null;
  for (let epoch = 1; epoch <= Math.max(1, subject.recipe.warmStart.epochs); epoch++) {
    const request = { ...subject, phase: 'warm-start', epoch, from, index: null } as const;
    const outcome: EpochOutcome = await untilStopped(scope, () => onTrainer(host, (on) => on.trainEpoch(request)));
    if (outcome.outcome === 'stopped') throw runStopped();
    from = outcome.checkpoint;
    host = outcome.hostQueue;
    onOutcome(outcome);
  }
  return present(from);
}

function epochRequest(subject: TrainerSubject, state: RunState): Parameters<TrainerActivities['trainEpoch']>[0] {
  return { ...subject, phase: 'train', epoch: state.epoch + 1, from: state.checkpoint, index: state.index };
}

/** What an activity says of an input that it cannot read (S8); null: it failed with something else. */
function rejectedInput(failure: unknown): { what: string; lastGood: string | null } | null {
  if (!(failure instanceof ActivityFailure) || !(failure.cause instanceof ApplicationFailure)) return null;
  const { type, details } = failure.cause;
  if (type !== 'InputRejected') return null;
  const facts = (details?.[0] ?? {}) as { what?: string; lastGood?: string | null };
  return { what: facts.what ?? 'an input', lastGood: facts.lastGood ?? null };
}

function describe(recipe: Recipe, state: RunState): string {
  const errors = state.validationErrors.map((error) => (error === null ? '–' : `${(error * 100).toFixed(1)} %`));
  return `**${recipe.objective}** epoch ${state.epoch} of ${state.epochs}\n\nvalidation error: ${errors.join(', ')}`;
}

function present<T>(value: T | null): T {
  if (value === null)
    throw ApplicationFailure.nonRetryable(
      'a state was asked for before it existed: this is a fault in lodestone',
      'Unexpected',
    );
  return value;
}
