/** Starts a trainer's process and speaks to it. Knows processes and messages; does not know works or who has the device. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { spawnEnvironment } from '../../engine/environment';
import { LodestoneError } from '../../errors';
import { LastWords } from './last-words';
import type { ChildMessage, HostMessage } from './protocol';

export interface TrainerSettings {
  readonly threads: number;
  readonly kernels: 'proven' | 'stock';
  readonly deterministic: boolean;
  readonly tf32: boolean;
  /** Whether it can profile its steps. */
  readonly trace: boolean;
}

export interface Child {
  readonly process: ChildProcess;
  readonly settings: TrainerSettings;
  fingerprint: Readonly<Record<string, string>>;
  onMessage: ((message: ChildMessage) => void) | null;
  onEnd: ((reason: string) => void) | null;
  alive: boolean;
  /** What it said on stderr. */
  readonly words: LastWords;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
}

/** V8's young generation has one size from the start: left to itself it doubles somewhere in the first thousands of steps. */
export const trainerFlags = ['--expose-gc', '--min-semi-space-size=8', '--max-semi-space-size=8'];
/** Starts a child; `loaded` resolves when it has loaded TensorFlow. */
export function spawnTrainer(settings: TrainerSettings): { child: Child; loaded: Promise<void> } {
  const environment = {
    ...process.env,
    ...spawnEnvironment(settings.threads, { oneDnn: true, ...settings }),
    LODESTONE_KERNELS: settings.kernels,
  };
  const spawned = fork(join(__dirname, 'entry.js'), [], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: trainerFlags,
    serialization: 'advanced', // bytes as bytes
  });
  const ended = new Promise<void>((resolve) => {
    spawned.once('exit', () => resolve());
    spawned.once('error', () => resolve());
  });
  const words = new LastWords();
  const idle = { onMessage: null, onEnd: null, alive: true };
  const child: Child = { process: spawned, settings, fingerprint: {}, ...idle, words, ended };
  spawned.stderr?.on('data', (chunk: Buffer) => words.add(chunk.toString()));
  const loaded = new Promise<void>((resolve, reject) => {
    const onDeath = (reason: string): void => {
      child.alive = false;
      child.onEnd?.(reason);
      reject(
        new LodestoneError('TrainerLost', `trainer: the process ended (${reason}) before it was ready. ${words.text}`),
      );
    };
    spawned.on('error', (error) => onDeath(error.message));
    spawned.on('exit', (code, signal) => onDeath(`${signal ?? `exit code ${code ?? '?'}`} ${words.line}`.trim()));
    spawned.on('message', (message: ChildMessage) => {
      if (message.type === 'ready') {
        child.fingerprint = message.fingerprint;
        resolve();
      } else if (message.type === 'failed' && message.id === null) {
        reject(new LodestoneError(message.kind, message.message));
      } else child.onMessage?.(message);
    });
  });
  loaded.catch(() => undefined); // its host awaits it after the pid is written down
  return { child, loaded };
}

/** A child that is gone is reported by its exit. */
export function tell(child: Child, message: HostMessage): void {
  if (child.alive) child.process.send(message, () => undefined);
}
