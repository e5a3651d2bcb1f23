/** Child runs of a parent: a few at a time, each to its own end, whatever happens to the others (W4). */
import {
  ApplicationFailure,
  condition,
  isCancellation,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  sleep,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { ObjectiveName } from '../config/objective';
import type { TrainPipelineInput } from '../config/workflow-input';
import type { ChildRun } from '../activities/requests';
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
        const { result } = await follow(await start(plan), hooks);
        results.set(plan.run, { objective: plan.objective, run: plan.run, result });
        hooks.onDone(plan.run);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  if (failures.length > 0) throw failures[0];
  if (results.size === 0)
    throw ApplicationFailure.nonRetryable('stopped before a run had begun; start it again to go on', 'RunStopped');
  return plans.flatMap(({ run }) => results.get(run) ?? []);
}

/** A child of an earlier execution may still be closing: wait for its name (W4). */
async function start({ run, input }: ChildPlan): Promise<Child> {
  for (;;) {
    try {
      return await startChild<typeof trainPipeline>('trainPipeline', {
        workflowId: run,
        args: [input],
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep('2s');
    }
  }
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
