/**
 * The attempts under way on this worker, each as a file beside its cache: what a killed worker leaves behind, the next one
 * on the same folder reports. Without it Temporal learns of the death from a heartbeat that stays away, 15 s later.
 *
 * Invariants:
 *   1  A file belongs to the process that wrote it (pid and start time): only those of dead processes are reported.
 *   2  It is a hint. Whatever is wrong with it, the heartbeat timeout still finds the dead attempt (P5).
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import { Phase } from '../config/artifacts';
import type { ObjectStore } from '../storage/store';
import { startTimeOf } from './device';
import { writeEvent } from './events';

/** How far training has come in an attempt: the global step that was applied last, committed or not. */
const Training = z.strictObject({ run: z.string(), phase: Phase, epoch: z.int(), reached: z.int() });
export type Training = z.infer<typeof Training>;

const Attempt = z.strictObject({
  taskToken: z.string(),
  owner: z.strictObject({ pid: z.int().positive(), started: z.string() }),
  training: Training.nullable(),
});
type Attempt = z.infer<typeof Attempt>;

export class Attempts {
  private readonly folder: string;
  private readonly owner = { pid: process.pid, started: startTimeOf(process.pid) ?? '' };
  /** Files of the attempts under way, by task token. */
  private readonly files = new Map<string, string>();

  /** @param directory of the worker; workers that share it share no files */
  constructor(directory: string) {
    this.folder = join(directory, 'attempts');
    mkdirSync(this.folder, { recursive: true });
  }

  /** Keeps the file of every activity of a worker. */
  readonly interceptor: ActivityInterceptorsFactory = ({ info: { base64TaskToken } }) => ({
    inbound: {
      execute: async (input, next) => {
        const file = join(this.folder, `${randomUUID()}.json`);
        this.files.set(base64TaskToken, file);
        this.save(base64TaskToken, null);
        try {
          return await next(input);
        } finally {
          this.files.delete(base64TaskToken);
          rmSync(file, { force: true });
        }
      },
    },
  });

  /** Says how far the attempt has trained. */
  trained({ info }: Context, training: Training): void {
    this.save(info.base64TaskToken, training);
  }

  /** Fails the attempts that dead workers left, so that their retries begin, and writes down how far they had come. */
  async reportLeft(client: Client, store: ObjectStore): Promise<void> {
    for (const name of readdirSync(this.folder).filter((one) => one.endsWith('.json'))) {
      const file = join(this.folder, name);
      const left = readAttempt(file);
      if (left !== null && (startTimeOf(left.owner.pid) ?? '') === left.owner.started) continue;
      rmSync(file, { force: true });
      if (left === null) continue;
      // An attempt that is over already, or of another server, is nobody's to fail.
      await client.activity.fail(Buffer.from(left.taskToken, 'base64'), workerDied()).catch(() => undefined);
      if (left.training === null) continue;
      const { run, ...how } = left.training;
      await writeEvent(store, run, { type: 'lost', what: 'worker', ...how }).catch(() => undefined); // a note, no commit
    }
  }

  private save(taskToken: string, training: Training | null): void {
    const file = this.files.get(taskToken);
    if (file === undefined) return;
    const attempt: Attempt = { taskToken, owner: this.owner, training };
    try {
      writeFileSync(`${file}.part`, JSON.stringify(attempt));
      renameSync(`${file}.part`, file);
    } catch {
      rmSync(`${file}.part`, { force: true }); // a full disk: the attempt has other things to say of it
    }
  }
}

/** Of a kind that lets the workflow leave a private queue (P6). */
function workerDied(): ApplicationFailure {
  return ApplicationFailure.retryable(
    'the worker died; the one after it says so and goes on from the last commit',
    'WorkerShutdown',
  );
}

function readAttempt(file: string): Attempt | null {
  try {
    return Attempt.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null;
  } catch {
    return null; // removed meanwhile by its owner
  }
}
