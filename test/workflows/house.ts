/** The workflows as workers run them, on a real Temporal server, above fake activities: no trainer, no store, no images. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client, type WorkflowHandle, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type ActivityInterceptorsFactory,
  type WorkerOptions,
} from '@temporalio/worker';
import { queues } from '../../config/queues';
import { Recipe } from '../../config/recipe';
import type { RunOutcome } from '../../workflows/train-pipeline';
import { answering, hostQueue, type AllActivities, type Call } from './fake-activities';

const root = resolve(__dirname, '../..');
/** As `lodestone worker` loads it. */
export const workflowBundle = { codePath: join(root, 'dist/workflow-bundle.js') };

/** The same everywhere, so that no recorded history says which machine it is from. */
const identity = 'worker';
/** History events after which a run continues as a new one: more than a run of two epochs has. */
export const CONTINUES_AFTER_EVENTS = 150;

type Handle<R> = WorkflowHandleWithFirstExecutionRunId<(raw: unknown) => Promise<R>>;

export interface House {
  readonly client: Client;
  /** @param type left out: trainPipeline */
  start<R>(workflowId: string, input: unknown, type?: string): Promise<Handle<R>>;
  /** A run of one objective. */
  run(name: string, epochs: number): Promise<Handle<RunOutcome>>;
  /** Serves a test; ends with it. */
  serve<T>(
    changes: Partial<AllActivities>,
    test: (calls: readonly Call[]) => Promise<T>,
    interceptor?: ActivityInterceptorsFactory,
  ): Promise<T>;
  end(): Promise<void>;
}

export function buildWorkflows(): void {
  execFileSync(process.execPath, ['infra/setup/build-now.mjs'], { cwd: root, stdio: 'pipe' });
}

export async function raiseHouse(): Promise<House> {
  buildWorkflows();
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { temporal } = JSON.parse(readFileSync(join(root, '.lodestone/toolchain.json'), 'utf8')) as {
    temporal: string;
  };
  const suggest = `limit.historyCount.suggestContinueAsNew=${CONTINUES_AFTER_EVENTS}`;
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: temporal },
      ip: '127.0.0.1',
      extraArgs: ['--dynamic-config-value', suggest],
    },
  });
  const { connection, nativeConnection } = environment;
  const client = new Client({ connection, identity });
  const worker = (taskQueue: string, activities: object, more: Partial<WorkerOptions>): Promise<Worker> =>
    Worker.create({
      connection: nativeConnection,
      identity,
      taskQueue,
      activities,
      maxHeartbeatThrottleInterval: '100ms', // a cancellation comes with the answer to a heartbeat
      ...more,
    });
  const start = <R>(workflowId: string, input: unknown, type = 'trainPipeline'): Promise<Handle<R>> =>
    client.workflow.start<(raw: unknown) => Promise<R>>(type, {
      taskQueue: queues.pipeline,
      workflowId,
      args: [input],
    });
  return {
    client,
    start,
    run: (name, epochs) => start(name, runInput(epochs)),
    serve: async (changes, test, interceptor) => {
      const calls: Call[] = [];
      const { pipeline, decoding, trainer } = recorded({ ...answering, ...changes }, calls);
      const more = interceptor ? { interceptors: { activity: [interceptor] } } : {};
      const workers = await Promise.all([
        worker(queues.pipeline, pipeline, { workflowBundle, ...more }),
        worker(queues.cpu, decoding, more),
        worker(queues.gpu, trainer, more),
        worker(hostQueue, trainer, more),
      ]);
      const running = workers.map((one) => one.run());
      try {
        return await test(calls);
      } finally {
        for (const one of workers) one.shutdown();
        await Promise.all(running);
      }
    },
    end: () => environment.teardown(),
  };
}

/** By the queue that each is served on, every call written down as it begins. */
function recorded(all: AllActivities, calls: Call[]): Record<'pipeline' | 'decoding' | 'trainer', object> {
  const only = (...names: (keyof AllActivities)[]): object =>
    Object.fromEntries(
      names.map((activity) => [
        activity,
        (request: Call['request']): unknown => {
          calls.push({ activity, request });
          return (all[activity] as (request: Call['request']) => unknown)(request);
        },
      ]),
    );
  return {
    pipeline: only('bindRun', 'scanData', 'assembleDataSet', 'finishRun', 'writeComparison', 'writeRecovery'),
    decoding: only('packShard'),
    trainer: only('trainEpoch', 'refreshIndex', 'evaluateRun', 'helpEmbed'),
  };
}

export function recipeOf(epochs: number): Recipe {
  return Recipe.parse({ data: { label: 'coarse', fineLabel: 'fine' }, warmStart: { epochs: 1 }, epochs });
}

export function runInput(epochs: number) {
  return { version: 1, data: { type: 'folder', path: '/photos' }, recipe: recipeOf(epochs) } as const;
}

/** What a workflow failed with; null: it did not. */
export async function causeOf(handle: WorkflowHandle): Promise<unknown> {
  return handle.result().then(
    () => null,
    (error: { cause?: { cause?: unknown } }) => error.cause?.cause ?? error.cause,
  );
}
