/** Stacks in state directories of their own; after the tests none of the processes they ever had may run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { ensureStack, stackStatus, stopStack, type StackHandle, type StackOptions } from '../../../infra/stack/client';
import { isAlive } from '../../../infra/stack/processes';
import { readState, type ProcessMark, type ProcessName, type StackState } from '../../../infra/stack/state';

export const projectRoot = join(__dirname, '../../..');

const folders: string[] = [];
const seen = new Map<string, ProcessMark>();

/** The compiled guardian is what these tests run. */
export function buildGuardian(): void {
  execFileSync(process.execPath, [join(projectRoot, 'infra/setup/build-now.mjs')], { stdio: 'ignore' });
}

export function freshStateDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-stack-'));
  folders.push(folder);
  return folder;
}

export async function up(stateDir: string, options: Partial<StackOptions> = {}): Promise<StackHandle> {
  const handle = await ensureStack({
    stateDir,
    projectRoot,
    worker: 'none',
    lease: { type: 'command', name: 'test' },
    ...options,
  });
  stateOf(stateDir);
  return handle;
}

/** The state as it stands on disk; its processes are remembered for the check at the end. */
export function stateOf(stateDir: string): StackState {
  const state = readState(stateDir);
  if (state === null) throw new Error(`no state in ${stateDir}`);
  for (const mark of [...state.processes, ...(state.guardian ? [state.guardian] : [])])
    seen.set(`${mark.pid} ${mark.started}`, mark);
  return state;
}

export function markOfProcess(stateDir: string, name: ProcessName | 'guardian'): ProcessMark {
  const state = stateOf(stateDir);
  const mark = name === 'guardian' ? state.guardian : state.processes.find((one) => one.name === name);
  if (!mark) throw new Error(`${name} does not run`);
  return mark;
}

export async function until<T>(what: string, read: () => T | Promise<T>, timeoutMs = 30_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await Promise.resolve()
      .then(read)
      .catch(() => null);
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const untilStopped = (stateDir: string): Promise<unknown> =>
  until('the stack ends', async () => {
    stateOf(stateDir);
    return (await stackStatus(stateDir)).type === 'stopped';
  });

export function s3Client({ endpoints, environment }: StackHandle): S3Client {
  return new S3Client({
    endpoint: endpoints.s3Endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    },
  });
}

/** Ends every stack of the file and answers which of all the processes seen still run. */
export async function endAll(): Promise<ProcessMark[]> {
  for (const folder of folders) {
    if (readState(folder) !== null) stateOf(folder);
    await stopStack(folder);
  }
  const left = [...seen.values()].filter(isAlive);
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  return left;
}
