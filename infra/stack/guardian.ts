/**
 * The guardian of one state directory: owns the servers and the worker for as long as somebody holds a lease.
 * Knows the order of starting and ending. Does not know who holds what (leases.ts), command lines (programs.ts), how a
 * program is brought up (servers.ts), kept running (supervised.ts) or found hanging (health.ts).
 *
 * Invariants:
 *   E1  Servers live from the first lease to the last, on the same ports and data; the worker while a lease wants one.
 *   1   A process stands in the state file from its birth on, so that the next guardian can end what this one left; on a
 *      full disk as soon as there is room.
 *   2   Only processes whose pid and start time were recorded here are ever signalled.
 *   3   Once ending, no lease is given: whoever asks waits for this process to be gone and starts another.
 */
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { LodestoneError } from '../../errors';
import { choosePorts, type PortWishes } from './ports';
import { requireRoom } from './disk';
import { usualPatience, watchHealth } from './health';
import { Leases, type Holder } from './leases';
import { s3Program, temporalProgram, workerProgram, type Program } from './programs';
import { endOrphans } from './orphans';
import { markOf } from './processes';
import { send, type Report, type Request } from './protocol';
import { runIsClosed } from './run-leases';
import { untilServing } from './servers';
import {
  areCurrent,
  logPaths,
  firstState,
  readState,
  writeState,
  type Credentials,
  type Ports,
  type ProcessName,
  type S3Kind,
  type StackState,
} from './state';
import { Supervised } from './supervised';
import { refuseOtherPorts, refuseOtherS3 } from './wishes';

const LAST_LEASE_GRACE_MS = 2000;
const RUN_CHECK_MS = 5000;

type HoldRequest = Extract<Request, { type: 'hold' }>;

export class Guardian {
  readonly #processes = new Map<ProcessName, Supervised>();
  readonly #leases: Leases;
  readonly #state: StackState;
  #serving: Promise<Ports> | null = null;
  #isServing = false;
  #workerCommand: readonly string[] | null = null;
  readonly #end = new AbortController();
  #graceTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly stateDir: string,
    projectRoot: string,
    private readonly credentials: Credentials,
    private readonly log: Logger,
    private readonly exit: () => void,
  ) {
    this.#state = { ...(readState(stateDir) ?? firstState(projectRoot)), projectRoot, guardian: markOf(process.pid) };
    this.#leases = new Leases(this.#state, () => this.#save());
  }

  /** Ends what a killed guardian left running. */
  async reapOrphans(): Promise<void> {
    await endOrphans(this.#state.processes, ({ name, pid }) =>
      this.log.warn({ name, pid }, 'ending what a killed guardian left running'),
    );
    this.#state.processes = [];
    this.#save();
    setInterval(() => void this.#endClosedRuns(), RUN_CHECK_MS);
    this.#review(); // whoever asked for this guardian may be gone already
  }

  async hold(socket: Socket, request: HoldRequest): Promise<void> {
    if (socket.destroyed) return; // its client died while the request waited: 'close' does not come again
    if (this.#end.signal.aborted) return send(socket, { type: 'ending' });
    const holder: Holder = { lease: request.lease, worker: request.worker, socket };
    this.#leases.add(holder);
    socket.once('close', () => {
      this.#leases.remove(holder);
      this.#review();
    });
    try {
      if (this.#serving !== null && request.s3 !== null) refuseOtherS3(request.s3, this.#state.s3);
      this.#serving ??= this.#serve(request.ports, request.s3 ?? this.#state.s3).finally(() => {
        if (!this.#isServing) this.#serving = null;
      });
      const ports = await this.#serving;
      if (this.#end.signal.aborted) return send(socket, { type: 'ending' });
      if (socket.destroyed) return; // its client left meanwhile: what it would have kept is nobody's
      refuseOtherPorts(request.ports, ports);
      if (request.workerCommand !== null) this.#workerCommand = request.workerCommand;
      if (request.lease.type !== 'command') this.#leases.keep({ lease: request.lease, worker: request.worker });
      this.#review();
      send(socket, { type: 'ready', ports });
    } catch (error) {
      this.log.error({ err: error }, 'could not start');
      const kind = error instanceof LodestoneError ? error.kind : 'Unexpected';
      send(socket, { type: 'failed', kind, message: (error as Error).message });
      socket.end();
    }
  }

  /** Whoever holds is told and does not bring the stack back; leases on disk go. */
  async stop(): Promise<void> {
    this.#leases.forgetKept();
    this.#leases.tell({ type: 'stopped' });
    await this.end();
  }

  /** The worker first, which checkpoints while its servers still answer. */
  async end(): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.log.info('ending');
    this.#leases.tell({ type: 'ending' });
    await this.#endProcesses();
    this.#state.guardian = null;
    this.#save();
    this.exit();
  }

  report(): Report {
    return {
      guardian: process.pid,
      s3: this.#state.s3,
      ports: this.#state.ports,
      serving: this.#isServing,
      processes: [...this.#processes].map(([name, { mark, restarts }]) => ({ name, pid: mark?.pid ?? null, restarts })),
      leases: this.#leases.all().map(({ lease }) => lease),
    };
  }

  async #serve(wishes: PortWishes, s3: S3Kind): Promise<Ports> {
    const { projectRoot } = this.#state;
    const last = this.#state.s3;
    this.#state.s3 = s3; // others that ask meanwhile see it
    try {
      await requireRoom(this.stateDir);
      const ports = await choosePorts(wishes, this.#state.ports);
      if (this.#end.signal.aborted)
        throw new LodestoneError('RunStopped', 'the local stack was stopped while it started');
      // Both before either is started: a program that is missing is known then.
      const temporal = temporalProgram(this.stateDir, projectRoot, s3, ports);
      const objects = s3Program(this.stateDir, projectRoot, s3, ports, this.credentials);
      this.#state.ports = ports;
      this.#save();
      await Promise.all([
        this.#startServer('Temporal', ports.temporal, temporal),
        this.#startServer(s3, ports.s3, objects),
      ]);
      this.#isServing = true;
      return ports;
    } catch (error) {
      this.#state.s3 = last; // a kind that never served is not that of last time
      await this.#endProcesses();
      this.#save();
      throw error;
    }
  }

  async #startServer(title: string, port: number, program: Program): Promise<void> {
    const startedMs = Date.now();
    this.#progress(`${title}: starting on 127.0.0.1:${port}`);
    const server = this.#run(program);
    const { signal } = this.#end;
    await untilServing({ title, server, folder: this.stateDir, log: logPaths(this.stateDir)[program.name] }, signal);
    this.#progress(`${title}: serves after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
    const onHung = (silentMs: number): void =>
      this.log.error({ name: program.name, silentMs: Math.round(silentMs) }, 'lives but does not answer; killed');
    void watchHealth(server, usualPatience, onHung, AbortSignal.any([signal, server.stopped]));
  }

  #run(program: Program): Supervised {
    const { name } = program;
    const supervised = new Supervised(program, logPaths(this.stateDir)[name], {
      onProcess: (mark) => {
        const others = this.#state.processes.filter((one) => one.name !== name);
        this.#state.processes = mark === null ? others : [...others, { name, ...mark }];
        this.#save();
        if (mark !== null) this.log.info({ name, pid: mark.pid }, 'started');
      },
      onDeath: (how) => this.log.warn({ name, how }, 'died; it is started again'),
    });
    this.#processes.set(name, supervised);
    supervised.start();
    return supervised;
  }

  async #endProcesses(): Promise<void> {
    for (const name of ['worker', 'temporal', 's3'] as const) await this.#endProcess(name);
    this.#isServing = false;
  }

  async #endProcess(name: ProcessName): Promise<void> {
    await this.#processes.get(name)?.stop();
    this.#processes.delete(name);
  }

  /** Starts what is wanted at once; ends what nobody wants after a grace, since commands often follow each other. */
  #review(): void {
    if (this.#end.signal.aborted) return;
    if (
      this.#leases.workerIsWanted() &&
      this.#isServing &&
      this.#state.ports !== null &&
      !this.#processes.has('worker')
    ) {
      const { projectRoot, ports } = this.#state;
      this.#run(workerProgram(this.stateDir, projectRoot, ports, this.credentials, this.#workerCommand));
    }
    if (this.#graceTimer) clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => void this.#endUnwanted(), LAST_LEASE_GRACE_MS);
  }

  async #endUnwanted(): Promise<void> {
    if (this.#leases.all().length === 0) return this.end();
    if (this.#leases.workerIsWanted() || !this.#processes.has('worker')) return;
    await this.#endProcess('worker');
    this.#review(); // somebody may have asked for one meanwhile
  }

  /** A run whose command is gone keeps the stack until its workflow is closed. */
  async #endClosedRuns(): Promise<void> {
    const { ports } = this.#state;
    if (!this.#isServing || this.#end.signal.aborted || ports === null) return;
    for (const run of this.#leases.unattendedRuns()) {
      if (!(await runIsClosed(`127.0.0.1:${ports.temporal}`, run))) continue;
      this.log.info({ run }, 'run is over');
      this.#leases.endRun(run);
      this.#review();
    }
  }

  #progress(line: string): void {
    this.log.info({ line }, 'progress');
    this.#leases.tell({ type: 'progress', line });
  }

  #save(): void {
    if (!areCurrent(this.stateDir, this.credentials)) return; // another's by now
    try {
      writeState(this.stateDir, this.#state);
    } catch (error) {
      this.log.error({ err: error }, 'the state could not be written; the next change writes it'); // a full disk
    }
  }
}
