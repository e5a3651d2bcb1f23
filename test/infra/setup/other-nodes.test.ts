/**
 * The smoke run on the other Node versions that are promised: the addon and its bits, and the whole local stack with a
 * worker that runs workflow code. The versions come from the npm registry; only where that is out of reach is one skipped.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { stackStatus, stopStack } from '../../../infra/stack/client';
import { runInChild } from '../../engine/support/child';
import { buildGuardian, until, untilStopped } from '../stack/support';
import { inNode, start } from './in-node';

const projectRoot = join(__dirname, '../../..');
const FETCH_MS = 240_000;

interface ThreeSteps {
  readonly digest: string;
  readonly losses: number[];
}

describe.each([22, 24])('Node %i', (major) => {
  let program: string | null;
  beforeAll(async () => (program = await nodeOf(major)), FETCH_MS);

  test('the addon loads, and three training steps give the bits of the running Node', () => {
    if (program === null) return;
    expect(versionOf(program)).toMatch(new RegExp(`^v${major}\\.`));
    const { digest, losses } = runInChild('three-steps.ts') as ThreeSteps;
    const other = runInChild('three-steps.ts', undefined, program) as ThreeSteps;
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(other).toMatchObject({ digest, losses });
  });

  test('the stack comes up, the running Node finds it, and its worker runs the workflow bundle', async () => {
    if (program === null) return;
    buildGuardian();
    const folder = mkdtempSync(join(tmpdir(), 'lodestone-node-'));
    const stateDir = join(folder, 'stack');
    const worker = start(program, [join(projectRoot, 'bin/lodestone.mjs'), 'worker', '--role', 'all'], {
      ...process.env,
      LODESTONE_STATE: folder,
      LODESTONE_WORKER_DIRECTORY: join(folder, 'worker'),
    });
    try {
      const address = await until('the stack serves', () => addressOf(stateDir), 60_000);
      const connection = await Connection.connect({ address });
      try {
        // Wrong input, so that the workflow code says no within its first task.
        const failed: unknown = await new Client({ connection }).workflow
          .execute('trainPipeline', { workflowId: 'smoke', taskQueue: 'lodestone', args: [{ version: 1, epochs: 3 }] })
          .catch((error: unknown) => error);
        expect(failed).toBeInstanceOf(WorkflowFailedError);
        expect((failed as WorkflowFailedError).cause).toMatchObject({ type: 'InvalidConfig' });
        expect((failed as WorkflowFailedError).cause).toBeInstanceOf(ApplicationFailure);
      } finally {
        await connection.close();
      }
      worker.child.kill('SIGTERM');
      const { code, stderr } = await worker.ended;
      expect(code).toBe(0);
      expect(stderr).not.toMatch(/Error|Deprecat|AWS SDK/);
      await untilStopped(stateDir);
    } finally {
      worker.child.kill('SIGKILL');
      await stopStack(stateDir).catch(() => false);
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});

/** Null, loudly, where the registry cannot be reached; a file that is not the one pinned is a failure. */
async function nodeOf(major: number): Promise<string | null> {
  const { code, stdout, stderr } = await inNode(`
    const { fetchNode } = await import(setup('node-versions.mjs'));
    const { CommandFailed } = await import(setup('process.mjs'));
    await fetchNode(${major}).then((path) => console.log(path), (error) => {
      if (!(error instanceof CommandFailed)) throw error;
      console.log('');
      console.error(error.message);
    });`);
  if (code !== 0) throw new Error(stderr);
  if (stdout.trim() !== '') return stdout.trim();
  console.warn(
    `Node ${major} could not be fetched, its smoke run is SKIPPED. Make the npm registry reachable. ${stderr}`,
  );
  return null;
}

function versionOf(program: string): string {
  return execFileSync(program, ['--version'], { encoding: 'utf8' });
}

async function addressOf(stateDir: string): Promise<string | null> {
  const found = await stackStatus(stateDir);
  return found.type === 'running' && found.serving ? (found.endpoints?.temporalAddress ?? null) : null;
}
