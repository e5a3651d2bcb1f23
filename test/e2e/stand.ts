/**
 * A whole lodestone for end-to-end tests: the real stack with a real worker in folders of its own, and a client of it.
 * What a test may do besides: see how far the trainer is, kill it, its worker and the servers, freeze it, and destroy what is
 * stored.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { CheckpointManifest, type CheckpointRef } from '../../config/artifacts';
import { readEnvironment } from '../../config/environment';
import type { Training } from '../../activities/attempts';
import { ensureStack, stackStatus, stopStack } from '../../infra/stack/client';
import { readManifest } from '../../storage/commits';
import { openStore } from '../../storage/open';
import { runLayout } from '../../storage/run-layout';
import { keyOf, type ObjectStore } from '../../storage/store';

export const projectRoot = resolve(__dirname, '../..');

/** Servers by their names in the stack. */
export type Victim = 'trainer' | 'worker' | 's3' | 'temporal';

export interface Stand {
  readonly directory: string;
  readonly client: Client;
  readonly store: ObjectStore;
  /** Global steps of the committed checkpoints of a run's train phase, ascending. */
  committedSteps(run: string): Promise<number[]>;
  /** The step of the train phase that the living trainer applied last; 0: none, or it is not training this run. */
  reachedStep(run: string): Promise<number>;
  /** SIGKILL. @returns false where there was nothing to kill */
  kill(victim: Victim): Promise<boolean>;
  /** The trainer neither goes on nor dies (SIGSTOP). @returns false where there is none */
  freezeTrainer(): Promise<boolean>;
  /** It goes on (SIGCONT), where it lives. */
  thawTrainer(): Promise<void>;
  /** Whether the worker holds files of a work that are not committed yet, or are being written. */
  isCommitting(): Promise<boolean>;
  /** A checkpoint with all that it names, in the store and in the worker's cache. */
  destroy(checkpoint: CheckpointRef): Promise<void>;
  end(): Promise<void>;
}

export async function raiseStand(): Promise<Stand> {
  execFileSync(process.execPath, ['infra/setup/build-now.mjs'], { cwd: projectRoot, stdio: 'pipe' });
  const directory = await mkdtemp(join(tmpdir(), 'lodestone-e2e-'));
  const stateDir = join(directory, 'stack');
  const stack = await ensureStack({ stateDir, projectRoot, worker: 'all', lease: { type: 'command', name: 'e2e' } });
  const connection = await Connection.connect({ address: stack.endpoints.temporalAddress });
  const environment = readEnvironment(stack.environment);
  const store = openStore(environment.store ?? '', environment);
  const workerFolder = join(stateDir, 'worker');
  const pidOf = async (victim: Victim): Promise<number | null> => {
    if (victim === 'trainer')
      return (JSON.parse(await readFile(join(workerFolder, 'trainer.json'), 'utf8')) as { pid: number }).pid;
    const status = await stackStatus(stateDir);
    return status.type === 'running' ? (status.processes.find(({ name }) => name === victim)?.pid ?? null) : null;
  };
  const signal = async (victim: Victim, name: NodeJS.Signals): Promise<boolean> => {
    const pid = await pidOf(victim);
    return pid !== null && signalled(pid, name);
  };
  return {
    directory,
    client: new Client({ connection }),
    store,
    committedSteps: async (run) => {
      const steps: number[] = [];
      for await (const key of store.list(runLayout(run).checkpoints('train')))
        steps.push(Number(key.split('/').at(-2)));
      return steps.sort((a, b) => a - b);
    },
    reachedStep: (run) => reachedStep(workerFolder, run),
    kill: (victim) => signal(victim, 'SIGKILL'),
    freezeTrainer: () => signal('trainer', 'SIGSTOP'),
    thawTrainer: async () => void (await signal('trainer', 'SIGCONT')),
    isCommitting: async () => {
      const scratch = join(workerFolder, 'scratch');
      const left = await readdir(scratch, { recursive: true, withFileTypes: true }).catch(() => null);
      return left === null || left.some((one) => one.isFile()); // null: a folder went while it was read
    },
    destroy: async ({ manifest }) => {
      const { tensors, curve } = await readManifest(store, manifest, CheckpointManifest);
      for (const { uri, sha256 } of [tensors, curve, manifest]) {
        await store.delete(keyOf(store, uri));
        await rm(join(workerFolder, 'objects/objects', sha256), { force: true });
      }
    },
    end: async () => {
      await connection.close();
      await stack.release();
      await stopStack(stateDir);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What Stand.reachedStep says, of any worker by its folder. */
export async function reachedStep(workerFolder: string, run: string): Promise<number> {
  const folder = join(workerFolder, 'attempts');
  for (const name of await readdir(folder).catch(() => [])) {
    const attempt = await readAttempt(join(folder, name));
    if (attempt?.training?.run !== run || attempt.training.phase !== 'train') continue;
    if (signalled(attempt.owner.pid, 0)) return attempt.training.reached;
  }
  return 0;
}

type LeftAttempt = { readonly owner: { readonly pid: number }; readonly training: Training | null };

/** null where it is over by now. */
async function readAttempt(file: string): Promise<LeftAttempt | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as LeftAttempt;
  } catch {
    return null;
  }
}

/** @returns false where that process has just ended by itself */
function signalled(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
