/**
 * What the local stack keeps on disk: where things lie, which processes run on which ports, which leases outlive their
 * command, and the credentials of its S3 server. Knows files and their shapes. Does not start, stop or check anything.
 *
 * stateDir/  state.json  credentials.json (0600)  logs/*.log
 *            <s3 kind>/  temporal.db  temporal.ready  objects/       (E2: the two belong together)
 */
import { createHash, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { abstractSocket } from '../../config/abstract-socket';
import { parseAtEdge } from '../../config/parse';

export const S3Kind = z.enum(['minio', 'versitygw']);
export type S3Kind = z.infer<typeof S3Kind>;

const Port = z.int().min(1).max(65535);
export const Ports = z.strictObject({ temporal: Port, temporalUi: Port, s3: Port });
export type Ports = z.infer<typeof Ports>;

export const ProcessName = z.enum(['temporal', 's3', 'worker']);
export type ProcessName = z.infer<typeof ProcessName>;

/** A process that can be told from a later one with the same pid. */
export const ProcessMark = z.strictObject({ pid: z.int().positive(), started: z.string() });
export type ProcessMark = z.infer<typeof ProcessMark>;

/** A command holds its lease with its connection; `dev up` and a detached run leave theirs behind on disk. */
export const Lease = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('command'), name: z.string() }),
  z.strictObject({ type: z.literal('permanent') }),
  z.strictObject({ type: z.literal('run'), name: z.string() }),
]);
export type Lease = z.infer<typeof Lease>;

export const WorkerWish = z.enum(['none', 'all']);
export type WorkerWish = z.infer<typeof WorkerWish>;

const KeptLease = z.strictObject({ lease: Lease, worker: WorkerWish });
export type KeptLease = z.infer<typeof KeptLease>;

export const StackState = z.strictObject({
  version: z.literal(1),
  projectRoot: z.string(),
  s3: S3Kind,
  ports: Ports.nullable(),
  guardian: ProcessMark.nullable(),
  processes: z.array(ProcessMark.extend({ name: ProcessName })),
  leases: z.array(KeptLease),
});
export type StackState = z.infer<typeof StackState>;

const Credentials = z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string(), token: z.string() });
/** `token` opens the guardian's socket, which on Linux has no file and so no file's permissions. */
export type Credentials = z.infer<typeof Credentials>;

export type LogName = ProcessName | 'guardian';

export function logPaths(stateDir: string): Record<LogName, string> {
  const log = (name: LogName): string => join(stateDir, 'logs', `${name}.log`);
  return { guardian: log('guardian'), temporal: log('temporal'), s3: log('s3'), worker: log('worker') };
}

export function dataPaths(stateDir: string, s3: S3Kind): { database: string; ready: string; objects: string } {
  const folder = join(stateDir, s3);
  return {
    database: join(folder, 'temporal.db'),
    ready: join(folder, 'temporal.ready'),
    objects: join(folder, 'objects'),
  };
}

/** The guardian's socket, which is its lock as well. Abstract on Linux: the kernel frees it with the process. */
export function socketAddress(stateDir: string): string {
  const name = `lodestone-stack-${createHash('sha256').update(realpathSync(stateDir)).digest('hex').slice(0, 24)}`;
  return process.platform === 'linux' ? abstractSocket(name) : join(tmpdir(), `${name}.sock`);
}

export function makeStateDir(stateDir: string): void {
  mkdirSync(join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
}

export function readState(stateDir: string): StackState | null {
  const file = join(stateDir, 'state.json');
  const text = readIfThere(file);
  return text === null ? null : parseAtEdge(StackState, parseJson(text), file);
}

export function firstState(projectRoot: string): StackState {
  return { version: 1, projectRoot, s3: 'minio', ports: null, guardian: null, processes: [], leases: [] };
}

export function writeState(stateDir: string, state: StackState): void {
  const file = join(stateDir, 'state.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/**
 * Whether the credentials on disk are these: a state directory that was deleted, and made anew, is another one. One that cannot
 * be read now is not taken for deleted.
 */
export function areCurrent(stateDir: string, { token }: Credentials): boolean {
  try {
    const kept = readIfThere(join(stateDir, 'credentials.json'));
    return kept !== null && Credentials.parse(parseJson(kept)).token === token;
  } catch {
    return true;
  }
}

/** Drawn once; of two commands that draw at the same time, both get those of the first. */
export function loadCredentials(stateDir: string): Credentials {
  const file = join(stateDir, 'credentials.json');
  const kept = readIfThere(file);
  if (kept !== null) return parseAtEdge(Credentials, parseJson(kept), file);

  const drawn: Credentials = {
    accessKeyId: randomBytes(10).toString('hex'),
    secretAccessKey: randomBytes(20).toString('hex'),
    token: randomBytes(16).toString('hex'),
  };
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(drawn), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return loadCredentials(stateDir);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Text that is no JSON becomes undefined, which no schema here accepts: the complaint then names the file. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
