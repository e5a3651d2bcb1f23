/**
 * The local stack as commands use it: bring it up and hold it, ask about it, end it. Starts a guardian where none runs.
 * Knows the guardian's socket. Does not start or signal servers; it never touches one that the guardian did not start.
 */
import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, realpathSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever, LodestoneError } from '../../errors';
import type { PortWishes } from './ports';
import { isAlive } from './processes';
import { endpointsAt, stackConnection, stackEnvironment, type StackConnection, type StackEndpoints } from './programs';
import { onMessage, Reply, send, tryConnect, type Report } from './protocol';
import {
  loadCredentials,
  logPaths,
  makeStateDir,
  readState,
  socketAddress,
  type Lease,
  type Ports,
  type S3Kind,
  type WorkerWish,
} from './state';

export { logPaths, type Lease, type S3Kind, type StackEndpoints };

export interface StackOptions {
  readonly stateDir: string;
  readonly projectRoot: string;
  /** Left out: the kind of last time, MinIO at first. */
  readonly s3?: S3Kind | undefined;
  readonly worker: WorkerWish;
  readonly lease: Lease;
  /** Left out: those of last time where free, else free ones. */
  readonly ports?: PortWishes | undefined;
  /** Left out: `lodestone worker --role all`. */
  readonly workerCommand?: readonly [string, ...string[]] | undefined;
  readonly onProgress?: ((line: string) => void) | undefined;
}

export interface StackHandle {
  readonly endpoints: StackEndpoints;
  /** What a worker or a command must set to use the stack. */
  readonly environment: Record<string, string>;
  /** How to connect to its Temporal server. */
  readonly connection: StackConnection;
  /** Resolves when somebody takes the stack down for all who hold it. */
  readonly stopped: Promise<void>;
  /** Ends a command's lease. A permanent one ends with stopStack, a run's with its workflow. */
  release(): Promise<void>;
}

export type StackStatus =
  | { readonly type: 'stopped' }
  /** Its guardian was killed; the next command ends these or takes the data over. */
  | { readonly type: 'orphaned'; readonly pids: readonly number[] }
  | {
      readonly type: 'running';
      readonly guardian: number;
      readonly s3: S3Kind;
      readonly serving: boolean;
      readonly endpoints: StackEndpoints | null;
      readonly processes: Report['processes'];
      readonly leases: readonly Lease[];
    };

const GUARDIAN_START_MS = 30_000;
const RETRY_MS = 100;
/** A guardian that ends answers before; one that closes connections without a word for so long does not know this request. */
const SILENT_MS = 30_000;

/** Up and healthy when it resolves; of two calls at once both hold the same stack. */
export async function ensureStack(options: StackOptions): Promise<StackHandle> {
  makeStateDir(options.stateDir);
  let held = await hold(options);
  let released = false;
  let tellStopped = (): void => undefined;
  const stopped = new Promise<void>((resolve) => (tellStopped = resolve));

  const keepHolding = (): void => {
    held.socket.once('close', () => {
      if (held.stopped()) tellStopped();
      if (released || held.stopped()) return;
      // The guardian was killed: bring the stack back, on the same ports and data (E1).
      void reconnect();
    });
  };
  const reconnect = async (): Promise<void> => {
    for (let pauseMs = 500; !released; pauseMs = Math.min(2 * pauseMs, 10_000)) {
      try {
        const again = await hold(options);
        if (released) return void again.socket.destroy();
        held = again;
        return keepHolding();
      } catch (error) {
        if (error instanceof LodestoneError && error.kind === 'RunStopped') return tellStopped();
        options.onProgress?.(`the local stack is lost and does not come back yet: ${(error as Error).message}`);
        await sleep(pauseMs, undefined, { ref: false });
      }
    }
  };
  keepHolding();
  return {
    endpoints: endpointsAt(held.ports),
    environment: stackEnvironment(held.ports, loadCredentials(options.stateDir)),
    connection: stackConnection(endpointsAt(held.ports).temporalAddress),
    stopped,
    release: async () => {
      if (released) return;
      released = true;
      await closed(held.socket);
    },
  };
}

export async function stackStatus(stateDir: string): Promise<StackStatus> {
  const state = readState(stateDir);
  const socket = state === null ? null : await tryConnect(socketAddress(stateDir));
  if (state === null) return { type: 'stopped' };
  if (socket === null) {
    const orphans = state.processes.filter(isAlive);
    return orphans.length === 0 ? { type: 'stopped' } : { type: 'orphaned', pids: orphans.map(({ pid }) => pid) };
  }
  const reply = await ask(socket, { type: 'status', token: loadCredentials(stateDir).token });
  await closed(socket);
  if (reply?.type !== 'status') return { type: 'stopped' };
  const { ports, ...report } = reply.report;
  return { type: 'running', ...report, endpoints: ports === null ? null : endpointsAt(ports) };
}

/**
 * Ends the stack whoever holds it, and what a killed guardian left; resolves when nothing runs any more.
 * @returns whether there was something to end
 */
export async function stopStack(stateDir: string): Promise<boolean> {
  const state = readState(stateDir);
  if (state === null) return false;
  const address = socketAddress(stateDir);
  const runs = await tryConnect(address);
  if (runs === null && state.leases.length === 0 && !state.processes.some(isAlive)) return false;
  const socket = runs ?? (await reachGuardian(stateDir, state.projectRoot));
  send(socket, { type: 'stop', token: loadCredentials(stateDir).token });
  socket.resume();
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
  return true;
}

/**
 * Resolves when a stack that nobody holds has ended; at once where somebody holds it, or none runs. Commands let go of it
 * without waiting, so that the next one finds it up: who wants to leave nothing running waits.
 */
export async function untilUnheldEnds(stateDir: string): Promise<void> {
  for (;;) {
    const status = await stackStatus(stateDir);
    if (status.type !== 'running' || status.leases.length > 0) return;
    await sleep(RETRY_MS);
  }
}

interface Held {
  readonly socket: Socket;
  readonly ports: Ports;
  stopped(): boolean;
}

/** Asks until a guardian that is not ending says yes or no. */
async function hold(options: StackOptions): Promise<Held> {
  let silentSinceMs: number | null = null;
  for (;;) {
    const socket = await reachGuardian(options.stateDir, options.projectRoot);
    const held = await askToHold(socket, options);
    if (typeof held === 'object') return held;
    if (held === 'ending') silentSinceMs = null;
    else if (Date.now() - (silentSinceMs ??= Date.now()) > SILENT_MS) throw neverAnswers(options.stateDir);
    await sleep(RETRY_MS);
  }
}

function neverAnswers(stateDir: string): LodestoneError {
  const pid = readState(stateDir)?.guardian?.pid;
  return new LodestoneError(
    'Unexpected',
    `the guardian of ${stateDir} closes every connection without an answer. It may be of another version of lodestone: ` +
      `end it (${pid === undefined ? 'the process guardian-main.js' : `kill ${pid}`}) and run the command again. Its log: ${logPaths(stateDir).guardian}`,
  );
}

/** Where that guardian is ending, or died, or says nothing, the next one is asked. */
function askToHold(socket: Socket, options: StackOptions): Promise<Held | 'ending' | 'silent'> {
  let stopped = false;
  let hasAnswered = false;
  return new Promise((resolve, reject) => {
    onMessage(socket, Reply, (reply) => {
      hasAnswered = true;
      switch (reply.type) {
        case 'progress':
          return options.onProgress?.(reply.line);
        case 'ready':
          socket.unref(); // a lease alone keeps no command running
          return resolve({ socket, ports: reply.ports, stopped: () => stopped });
        case 'failed':
          socket.destroy();
          return reject(new LodestoneError(reply.kind, reply.message));
        case 'stopped':
          stopped = true;
          return reject(new LodestoneError('RunStopped', 'the local stack was stopped while it started'));
        case 'ending':
        case 'status':
          return undefined;
        default:
          return assertNever(reply);
      }
    });
    socket.once('close', () => resolve(hasAnswered ? 'ending' : 'silent'));
    send(socket, {
      type: 'hold',
      token: loadCredentials(options.stateDir).token,
      lease: options.lease,
      worker: options.worker,
      s3: options.s3 ?? null,
      ports: options.ports ?? {},
      workerCommand: options.workerCommand ? [...options.workerCommand] : null,
    });
  });
}

/** A connection to the guardian, which is started where none runs. */
async function reachGuardian(stateDir: string, projectRoot: string): Promise<Socket> {
  const address = socketAddress(stateDir);
  const deadline = Date.now() + GUARDIAN_START_MS;
  let guardian: { alive: boolean } | null = null;
  while (Date.now() < deadline) {
    const socket = await tryConnect(address);
    if (socket !== null) return socket;
    if (guardian?.alive !== true) guardian = startGuardian(stateDir, projectRoot);
    await sleep(RETRY_MS);
  }
  throw new LodestoneError(
    'Unexpected',
    `the guardian of ${stateDir} did not start within ${GUARDIAN_START_MS / 1000} s. Its log says why: ${logPaths(stateDir).guardian}`,
  );
}

/** In a session of its own: Ctrl-C in a terminal does not reach it. */
function startGuardian(stateDir: string, projectRoot: string): { alive: boolean } {
  const main = join(projectRoot, 'dist/infra/stack/guardian-main.js');
  if (!existsSync(main))
    throw new LodestoneError('ToolMissing', `${main}: is not there; the local stack needs it. Run: npm run build`);
  const log = openSync(logPaths(stateDir).guardian, 'a', 0o600);
  const child = spawn(process.execPath, [main, realpathSync(stateDir), projectRoot], {
    cwd: stateDir,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const life = { alive: true };
  const over = (): void => {
    life.alive = false;
  };
  child.once('exit', over).once('error', over);
  return life;
}

/** The first reply, or null where the connection ends without one. */
function ask(socket: Socket, request: Parameters<typeof send>[1]): Promise<Reply | null> {
  return new Promise((resolve) => {
    onMessage(socket, Reply, resolve);
    socket.once('close', () => resolve(null));
    send(socket, request);
  });
}

async function closed(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  const over = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await over;
}
