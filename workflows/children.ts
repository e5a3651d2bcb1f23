/** Child runs of a parent: a few at a time, each to its own end, whatever happens to the others (W4). */
import {
  condition,
  isCancellation,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { ObjectiveName } from '../config/objective';
import type { TrainPipelineInput } from '../config/workflow-input';
import type { ChildRun } from '../activities/requests';
import { runStopped } from './stopping';
import { stopSignal, type RunOutcome, type trainPipeline } from './train-pipeline';

export interface ChildPlan {
  readonly objective: ObjectiveName;
  readonly run: string;
  readonly input: TrainPipelineInput;
}

export interface ChildrenHooks {
  stopped(): boolean;
  onDone(run: string): void;
}

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 300_000;

type Child = ChildWorkflowHandle<typeof trainPipeline>;

/** Runs every plan; throws the first failure after the last child has ended. Results stand in the order of the plans. */
export async function runChildren(
  plans: readonly ChildPlan[],
  parallel: number,
  hooks: ChildrenHooks,
): Promise<ChildRun[]> {
  const results = new Map<string, ChildRun>();
  const failures: unknown[] = [];
  const waiting = [...plans];
  const lane = async (): Promise<void> => {
    for (let plan = waiting.shift(); plan && !hooks.stopped(); plan = waiting.shift()) {
      try {
        const child = await start(plan, hooks);
        if (child === null) return;
        const { result } = await follow(child, hooks);
        results.set(plan.run, { objective: plan.objective, run: plan.run, result });
        hooks.onDone(plan.run);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  if (failures.length > 0) throw failures[0];
  if (results.size === 0) throw runStopped();
  return plans.flatMap(({ run }) => results.get(run) ?? []);
}

/**
 * A child of an earlier execution may still be closing: waits for its name (W4), and looks less often the longer that takes, since
 * each look costs events of the history.
 * @returns null where a stop came first
 */
async function start({ run, input }: ChildPlan, hooks: ChildrenHooks): Promise<Child | null> {
  for (let pause = FIRST_PAUSE_MS; !hooks.stopped(); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await startChild<typeof trainPipeline>('trainPipeline', {
        workflowId: run,
        args: [input],
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await condition(() => hooks.stopped(), pause);
    }
  }
  return null;
}

/** Waits for a child; a stop of the parent is passed on once. */
async function follow(child: Child, hooks: ChildrenHooks): Promise<RunOutcome> {
  let ended = false;
  const result = child.result().finally(() => (ended = true));
  const passOn = async (): Promise<void> => {
    await condition(() => hooks.stopped() || ended);
    if (!ended) await child.signal(stopSignal);
  };
  // Cancelled, the child hears of it by itself; its end is waited for all the same, since it checkpoints (W4).
  // One that ended just before cannot be told either: its result says how.
  const untilItEnds = async (error: unknown): Promise<void> => {
    if (!isCancellation(error)) await result;
  };
  const [outcome] = await Promise.all([result, passOn().catch(untilItEnds)]);
  return outcome;
}
