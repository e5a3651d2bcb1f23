/**
 * A local stack of a bench's own: servers and a worker in a fresh folder, and a client of them; all gone with the bench, also
 * when it is interrupted. What the product says of itself is read from here: histories, attempts under way, memory.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Training } from '../../activities/attempts';
import { readEnvironment } from '../../config/environment';
import { queues } from '../../config/queues';
import type { TrainPipelineInput } from '../../config/workflow-input';
import { ensureStack, stackStatus, stopStack } from '../../infra/stack/client';
import { openStore } from '../../storage/open';
import type { ObjectStore } from '../../storage/store';
import type { trainPipeline } from '../../workflows/train-pipeline';
import { projectRoot } from './record';

export type RunHandle = WorkflowHandleWithFirstExecutionRunId<typeof trainPipeline>;

export interface OwnStack {
  /** For whatever else the bench keeps. */
  readonly folder: string;
  readonly store: ObjectStore;
  start(run: string, input: TrainPipelineInput): Promise<RunHandle>;
  /** null: none is running. */
  pidOf(which: 'worker' | 'trainer'): Promise<number | null>;
  /** How far the run's training is that is under way, and when its last step was applied, by the file system's clock. */
  training(run: string): (Training & { readonly atMs: number }) | null;
}

export async function withOwnStack<T>(use: (stack: OwnStack) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-bench-'));
  const stateDir = join(folder, 'stack');
  const workerFolder = join(stateDir, 'worker');
  const ends: (() => Promise<unknown>)[] = [];
  const end = async (): Promise<void> => {
    for (const one of ends.splice(0).reverse()) await one();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const])
    process.once(signal, () => void end().finally(() => process.exit(code)));
  try {
    ends.push(() => stopStack(stateDir));
    const stack = await ensureStack({
      stateDir,
      projectRoot,
      worker: 'all',
      lease: { type: 'command', name: 'bench' },
    });
    ends.push(() => stack.release());
    const connection = await Connection.connect({ address: stack.endpoints.temporalAddress });
    ends.push(() => connection.close());
    const client = new Client({ connection });
    const environment = readEnvironment(stack.environment);
    return await use({
      folder,
      store: openStore(environment.store ?? '', environment),
      start: (run, input) =>
        client.workflow.start<typeof trainPipeline>('trainPipeline', {
          taskQueue: queues.pipeline,
          workflowId: run,
          args: [input],
        }),
      pidOf: async (which) => {
        if (which === 'trainer') return readJson<{ pid: number }>(join(workerFolder, 'trainer.json'))?.pid ?? null;
        const status = await stackStatus(stateDir);
        return status.type === 'running' ? (status.processes.find(({ name }) => name === 'worker')?.pid ?? null) : null;
      },
      training: (run) => trainingOf(join(workerFolder, 'attempts'), run),
    });
  } finally {
    await end();
  }
}

/** One execution of an activity, by the server's clock. */
export interface ActivityTimes {
  readonly type: string;
  readonly scheduledMs: number;
  readonly startedMs: number;
  readonly completedMs: number;
}

/** Those that completed, in the order in which they did. */
export async function activityTimes(handle: RunHandle): Promise<ActivityTimes[]> {
  const { events } = await handle.fetchHistory();
  const scheduled = new Map<string, { type: string; atMs: number }>();
  const started = new Map<string, number>();
  const times: ActivityTimes[] = [];
  for (const event of events ?? []) {
    const atMs = milliseconds(event.eventTime);
    const { activityTaskScheduledEventAttributes: asked, activityTaskStartedEventAttributes: begun } = event;
    const done = event.activityTaskCompletedEventAttributes;
    if (asked) scheduled.set(String(event.eventId), { type: asked.activityType?.name ?? '', atMs });
    if (begun) started.set(String(begun.scheduledEventId), atMs);
    const id = String(done?.scheduledEventId);
    const first = done && scheduled.get(id);
    if (first)
      times.push({
        type: first.type,
        scheduledMs: first.atMs,
        startedMs: started.get(id) ?? first.atMs,
        completedMs: atMs,
      });
  }
  return times;
}

/** From when the first was asked for to the end of the last. */
export function spanOf(times: readonly ActivityTimes[]): { readonly begunMs: number; readonly endedMs: number } {
  return {
    begunMs: Math.min(...times.map(({ scheduledMs }) => scheduledMs)),
    endedMs: Math.max(...times.map(({ completedMs }) => completedMs)),
  };
}

/** Of a protobuf timestamp, whose seconds may be a Long. */
function milliseconds(
  time: { readonly seconds?: { toString(): string } | null; readonly nanos?: number | null } | null | undefined,
): number {
  return 1000 * Number((time?.seconds ?? 0).toString()) + (time?.nanos ?? 0) / 1e6;
}

/** Resident bytes of a process, now and at most; null where it is gone. */
export function residentBytes(pid: number): { readonly now: number; readonly most: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return { now: 1024 * kibibytes('VmRSS'), most: 1024 * kibibytes('VmHWM') };
  } catch {
    return null;
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function trainingOf(folder: string, run: string): (Training & { readonly atMs: number }) | null {
  for (const name of names(folder)) {
    const path = join(folder, name);
    const training = readJson<{ training: Training | null }>(path)?.training;
    if (training?.run !== run) continue;
    try {
      return { ...training, atMs: statSync(path).mtimeMs };
    } catch {
      return null; // over by now
    }
  }
  return null;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return []; // the worker has not begun
  }
}

function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null; // not there, or being replaced
  }
}
