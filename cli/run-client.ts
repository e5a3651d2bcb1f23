/**
 * Runs as the command line sees them on a Temporal server: start or attach, look, ask, wait. Knows workflow types and what
 * they return. Does not print, and does not know where the server runs.
 */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { z } from 'zod';
import { Outcome } from '../config/outcome';
import { parseAtEdge } from '../config/parse';
import { queues } from '../config/queues';
import { STOPPED_MEMO } from '../config/stopped';
import type { CompareInput, RecoverInput, TrainPipelineInput, RunProgress } from '../config/workflow-input';

const ANSWER_MS = 4000;

export type StartRequest =
  | { readonly type: 'trainPipeline'; readonly input: TrainPipelineInput }
  | { readonly type: 'compareObjectives'; readonly input: CompareInput }
  | { readonly type: 'hierarchyRecovery'; readonly input: RecoverInput };

const Pace = z.looseObject({
  stepsPerSecond: z.number(),
  waitShare: z.number(),
  residentBytes: z.number(),
  peakBytes: z.number(),
  tensors: z.number(),
});

/** Of activities/requests.ts, read back as the hint that it is. */
const Beat = z.looseObject({
  phase: z.string(),
  epoch: z.number(),
  epochs: z.number(),
  step: z.number(),
  steps: z.number(),
  imagesPerSecond: z.number().nullable().default(null),
  loss: z.number().nullable().default(null),
  pace: Pace.nullable().default(null),
  holdUp: z.string().nullable().default(null),
});
export type Beat = z.infer<typeof Beat>;

export interface RunView {
  readonly run: string;
  readonly workflowType: string;
  /** `stopped`: before there was a result. A run that stopped later has one, which says so: it is `completed`. */
  readonly status: 'open' | 'completed' | 'stopped' | 'failed' | 'cancelled' | 'terminated';
  readonly started: Date;
  readonly closed: Date | null;
  readonly beat: Beat | null;
  /** An activity that is being tried again, and why. */
  readonly retry: { readonly activity: string; readonly attempt: number; readonly failure: string } | null;
  /** The workflow code itself fails on the worker again and again. */
  readonly workerFault: boolean;
}

/** Starts a run, or attaches to the open one of that name. */
export async function startRun(client: Client, run: string, request: StartRequest): Promise<void> {
  await client.workflow.start(request.type, startOptions(run, request));
}

function startOptions(run: string, { input }: StartRequest) {
  return {
    workflowId: run,
    taskQueue: queues.pipeline,
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `${input.recipe.network.name} on ${input.data.type === 'folder' ? input.data.path : 'the procedural set'}`,
  } as const;
}

/** Null where the server knows no such run. */
export async function viewRun(client: Client, run: string): Promise<RunView | null> {
  const description = await client
    .withDeadline(Date.now() + 2 * ANSWER_MS, () => client.workflow.getHandle(run).describe())
    .catch((error: unknown) => {
      if ((error as Error).name === 'WorkflowNotFoundError') return null;
      throw error;
    });
  return description && viewOf(description);
}

/** A hint as well: null where no worker answers in time. */
export async function askProgress(client: Client, run: string): Promise<RunProgress | null> {
  return client
    .withDeadline(Date.now() + ANSWER_MS, () => client.workflow.getHandle(run).query<RunProgress>('progress'))
    .catch(() => null);
}

/** Waits for the end. Rejects with what the workflow failed with. */
export async function outcomeOf(client: Client, run: string): Promise<Outcome> {
  const result: unknown = await client.workflow.getHandle(run).result();
  return parseAtEdge(Outcome, result, `result of ${run}`, 'ArtifactCorrupt');
}

export async function signalStop(client: Client, run: string): Promise<void> {
  await client.workflow.getHandle(run).signal('stop');
}

/**
 * Trains an open run on to more epochs, or starts a closed one for them. In one request with the start: a finished run that
 * is started again ends at once where it has not been told of them.
 * @param epochs how many in all
 */
export async function extendRun(
  client: Client,
  run: string,
  request: StartRequest,
  epochs: number,
): Promise<RunProgress> {
  const { WithStartWorkflowOperation } = await import('@temporalio/client');
  return client.workflow.executeUpdateWithStart<Workflow, RunProgress, [{ epochs: number }]>('extend', {
    args: [{ epochs }],
    startWorkflowOperation: new WithStartWorkflowOperation(request.type, startOptions(run, request)),
  });
}

/** The newest `limit` of the runs that are wanted by their name, newest first. */
export async function listRuns(client: Client, limit: number, isWanted: (run: string) => boolean): Promise<RunView[]> {
  const views: RunView[] = [];
  const types = ['trainPipeline', 'compareObjectives', 'hierarchyRecovery'].map((type) => `'${type}'`).join(', ');
  for await (const info of client.workflow.list({ query: `WorkflowType IN (${types})` })) {
    if (!isWanted(info.workflowId)) continue;
    if (views.some(({ run }) => run === info.workflowId)) continue; // an earlier execution of the same run
    views.push(viewOf({ ...info, raw: {} }));
    if (views.length === limit) break;
  }
  return views;
}

/** Whether any worker asks the task queue for work. */
export async function hasWorker(client: Client): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queues.pipeline },
    taskQueueType: 1, // workflow
  });
  return (pollers?.length ?? 0) > 0;
}

type Described = Pick<WorkflowExecutionDescription, 'workflowId' | 'type' | 'status' | 'startTime' | 'memo'> & {
  readonly closeTime?: Date | undefined;
  readonly raw: Partial<Pick<WorkflowExecutionDescription['raw'], 'pendingActivities' | 'pendingWorkflowTask'>>;
};

function viewOf({ workflowId, type, status, startTime, closeTime, memo, raw }: Described): RunView {
  // Help is asked of whoever is free: that a busy trainer declines, and how far one is, says nothing of the run.
  const pending = (raw.pendingActivities ?? []).filter(({ activityType }) => activityType?.name !== 'helpEmbed');
  const again = pending.find(({ attempt, lastFailure }) => (attempt ?? 1) > 1 && lastFailure);
  return {
    run: workflowId,
    workflowType: type,
    status: statusOf(status.name, memo?.[STOPPED_MEMO] === true),
    started: startTime,
    closed: closeTime ?? null,
    beat:
      pending
        .map(({ heartbeatDetails }) => beatOf(heartbeatDetails?.payloads?.[0]?.data))
        .find((beat) => beat !== null) ?? null,
    retry: again
      ? {
          activity: again.activityType?.name ?? 'activity',
          attempt: again.attempt ?? 0,
          failure: again.lastFailure?.message ?? '',
        }
      : null,
    workerFault: (raw.pendingWorkflowTask?.attempt ?? 0) > 3,
  };
}

function statusOf(name: string, stopped: boolean): RunView['status'] {
  switch (name) {
    case 'COMPLETED':
      return 'completed';
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    case 'FAILED':
      return stopped ? 'stopped' : 'failed';
    case 'TIMED_OUT':
      return 'failed';
    default:
      return 'open';
  }
}

function beatOf(data: Uint8Array | null | undefined): Beat | null {
  if (!data) return null;
  try {
    return Beat.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
