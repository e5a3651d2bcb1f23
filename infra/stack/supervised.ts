/**
 * One program kept running: started in a group of its own, restarted with backoff when it dies, ended with its group.
 * Knows a command line and a log file. Does not know what the program serves.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { endGroup, markOf, signalGroup } from './processes';
import type { Program } from './programs';
import type { ProcessMark } from './state';

const FIRST_BACKOFF_MS = 300;
const LONGEST_BACKOFF_MS = 15_000;
/** A program that lived this long starts its backoff anew. */
const STEADY_MS = 10_000;
const LOG_LIMIT_BYTES = 32 * 2 ** 20;

export interface SupervisedEvents {
  /** The process that runs now, or null; called before anything else can happen to it. */
  readonly onProcess: (mark: ProcessMark | null) => void;
  readonly onDeath: (how: string) => void;
}

export class Supervised {
  restarts = 0;
  mark: ProcessMark | null = null;
  readonly #stop = new AbortController();
  #wanted = false;
  #backoffMs = FIRST_BACKOFF_MS;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    readonly program: Program,
    private readonly logFile: string,
    private readonly events: SupervisedEvents,
  ) {}

  /** Aborts with stop(). */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#spawn();
  }

  check(): Promise<void> {
    return this.program.check();
  }

  /** Kills it without grace, as what it does not answer to anything else; its death starts it again. */
  restart(): void {
    if (this.mark !== null) signalGroup(this.mark.pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    this.#stop.abort();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const { mark } = this;
    if (mark === null) return;
    await endGroup(mark, this.program.stopGraceMs);
    while (this.mark === mark) await sleep(10); // until its exit was seen
  }

  #spawn(): void {
    this.#timer = null;
    let child: ChildProcess;
    const bornMs = Date.now();
    const log = openLog(this.logFile);
    try {
      this.program.prepare();
      const [file, ...rest] = this.program.command;
      child = spawn(file, rest, {
        cwd: this.program.folder,
        env: this.program.environment,
        stdio: ['ignore', log, log],
        detached: true, // leads its group
      });
    } finally {
      closeSync(log);
    }
    const { pid } = child;
    if (pid !== undefined) this.#runs(markOf(pid) ?? { pid, started: 'gone' });
    const ended = (how: string): void => {
      if (pid !== undefined) signalGroup(pid, 'SIGKILL'); // what it left behind in its group
      this.#runs(null);
      if (!this.#wanted) return;
      if (Date.now() - bornMs >= STEADY_MS) this.#backoffMs = FIRST_BACKOFF_MS;
      this.restarts++;
      this.events.onDeath(how);
      this.#again();
    };
    child.once('error', (error) => {
      if (pid === undefined) ended(error.message);
    });
    child.once('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  #again(): void {
    this.#timer = setTimeout(() => {
      try {
        this.#spawn();
      } catch (error) {
        this.events.onDeath((error as Error).message); // such as a full disk: tried again until it has room
        this.#again();
      }
    }, this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, LONGEST_BACKOFF_MS);
  }

  #runs(mark: ProcessMark | null): void {
    this.mark = mark;
    this.events.onProcess(mark);
  }
}

/** For appending; a long log is put aside once. */
function openLog(file: string): number {
  try {
    if (statSync(file).size > LOG_LIMIT_BYTES) renameSync(file, `${file}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return openSync(file, 'a', 0o600);
}
