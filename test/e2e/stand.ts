/**
 * A whole lodestone for end-to-end tests: the real stack with a real worker in folders of its own, and a client of it.
 * What a test may do besides: find the trainer and the worker, and kill them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { readEnvironment } from '../../config/environment';
import { ensureStack, stackStatus, stopStack } from '../../infra/stack/client';
import { openStore } from '../../storage/open';
import { runLayout } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';

export const projectRoot = resolve(__dirname, '../..');

export interface Stand {
  readonly directory: string;
  readonly client: Client;
  readonly store: ObjectStore;
  /** Global steps of the committed checkpoints of a run's train phase, ascending. */
  committedSteps(run: string): Promise<number[]>;
  killTrainer(): Promise<boolean>;
  killWorker(): Promise<boolean>;
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
  const kill = (pid: number | null): boolean => {
    if (pid === null) return false;
    try {
      process.kill(pid, 'SIGKILL');
      return true;
    } catch {
      return false; // it has just ended by itself
    }
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
    killTrainer: async () => {
      const { pid } = JSON.parse(await readFile(join(stateDir, 'worker/trainer.json'), 'utf8')) as { pid: number };
      return kill(pid);
    },
    killWorker: async () => {
      const status = await stackStatus(stateDir);
      return kill(
        status.type === 'running' ? (status.processes.find(({ name }) => name === 'worker')?.pid ?? null) : null,
      );
    },
    end: async () => {
      await connection.close();
      await stack.release();
      await stopStack(stateDir);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
