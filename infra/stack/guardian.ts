/**
 * The guardian of one state directory: owns the servers and the worker for as long as somebody holds a lease.
 * Knows leases and the order of starting and ending. Does not know sockets' addresses (guardian-main.ts), command lines
 * (programs.ts) or how a program is kept running (supervised.ts).
 *
 * Invariants:
 *   E1  Servers live from the first lease to the last, on the same ports and data; the worker while a lease wants one.
 *   1   A process stands in the state file from its birth on, so that the next guardian can end what this one left.
 *   2   Only processes whose pid and start time were recorded here are ever signalled.
 *   3   Once ending, no lease is given: whoever asks waits for this process to be gone and starts another.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { LodestoneError } from '../../errors';
import { choosePorts, type PortWishes } from './ports';
import { s3Program, temporalProgram, workerProgram, type Program } from './programs';
import { endGroup, isAlive, markOf } from './processes';
import { send, type Report, type Reply, type Request } from './protocol';
import { runIsClosed } from './run-leases';
import {
  logPaths,
  readState,
  writeState,
  type Credentials,
  type KeptLease,
  type Lease,
  type Ports,
  type ProcessName,
  type StackState,
  type WorkerWish,
} from './state';
import { Supervised } from './supervised';

const LAST_LEASE_GRACE_MS = 2000;
const RUN_CHECK_MS = 5000;
const START_TIMEOUT_MS = 120_000;
const CHECK_PAUSE_MS = 150;
/** A server that died this often before it served will not come up. */
const DEATHS_BEFORE_GIVING_UP = 3;
const WORKER_REAP_GRACE_MS = 30_000;
const SERVER_REAP_GRACE_MS = 10_000;

type HoldRequest = Extract<Request, { type: 'hold' }>;
interface Holder {
  readonly lease: Lease;
  readonly worker: WorkerWish;
  readonly socket: Socket;
}

export class Guardian {
  readonly #processes = new Map<ProcessName, Supervised>();
  readonly #holders = new Set<Holder>();
  readonly #state: StackState;
  #serving: Promise<Ports> | null = null;
  #isServing = false;
  #workerCommand: readonly string[] | null = null;
  #ending = false;
  #graceTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly stateDir: string,
    projectRoot: string,
    private readonly credentials: Credentials,
    private readonly log: Logger,
    private readonly exit: () => void,
  ) {
    const last = readState(stateDir);
    this.#state = last ?? {
      version: 1,
      projectRoot,
      s3: 'minio',
      ports: null,
      guardian: null,
      processes: [],
      leases: [],
    };
    this.#state.projectRoot = projectRoot;
    this.#state.guardian = markOf(process.pid);
  }

  /** Ends what a killed guardian left running, the worker first while its servers still answer. */
  async reapOrphans(): Promise<void> {
    const order: readonly ProcessName[] = ['worker', 'temporal', 's3'];
    for (const name of order) {
      for (const orphan of this.#state.processes.filter((one) => one.name === name && isAlive(one))) {
        this.log.warn({ name, pid: orphan.pid }, 'ending what a killed guardian left running');
        await endGroup(orphan, name === 'worker' ? WORKER_REAP_GRACE_MS : SERVER_REAP_GRACE_MS);
      }
    }
    this.#state.processes = [];
    this.#save();
    setInterval(() => void this.#endClosedRuns(), RUN_CHECK_MS);
    this.#review(); // whoever asked for this guardian may be gone already
  }

  async hold(socket: Socket, request: HoldRequest): Promise<void> {
    if (this.#ending) return send(socket, { type: 'ending' });
    const holder: Holder = { lease: request.lease, worker: request.worker, socket };
    this.#holders.add(holder);
    socket.once('close', () => {
      this.#holders.delete(holder);
      this.#review();
    });
    try {
      this.#chooseS3(request);
      this.#refuseOtherPorts(request);
      this.#serving ??= this.#serve(request.ports).finally(() => {
        if (!this.#isServing) this.#serving = null;
      });
      const ports = await this.#serving;
      if (this.#ending) return send(socket, { type: 'ending' });
      if (request.workerCommand !== null) this.#workerCommand = request.workerCommand;
      if (request.lease.type !== 'command') this.#keep({ lease: request.lease, worker: request.worker });
      this.#review();
      send(socket, { type: 'ready', ports });
    } catch (error) {
      this.log.error({ err: error }, 'could not start');
      const kind = error instanceof LodestoneError ? error.kind : 'Unexpected';
      send(socket, { type: 'failed', kind, message: (error as Error).message });
      socket.end();
    }
  }

  /** A run that is over, as its command knows; its lease goes. */
  endRun(name: string): void {
    this.#state.leases = this.#state.leases.filter(({ lease }) => lease.type !== 'run' || lease.name !== name);
    this.#save();
    this.#review();
  }

  /** Whoever holds is told and does not bring the stack back; leases on disk go. */
  async stop(): Promise<void> {
    this.#state.leases = [];
    this.#tell({ type: 'stopped' });
    await this.end();
  }

  /** The worker first, which checkpoints while its servers still answer. */
  async end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.log.info('ending');
    this.#tell({ type: 'ending' });
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
      leases: this.#leases().map(({ lease }) => lease),
    };
  }

  #chooseS3({ s3 }: HoldRequest): void {
    if (s3 === null || s3 === this.#state.s3) return;
    if (this.#serving !== null)
      throw new LodestoneError(
        'InvalidConfig',
        `s3: got ${s3}, but the local stack runs with ${this.#state.s3}; one at a time, each keeps its own data. ` +
          'Run `lodestone dev down` first, or leave the choice out.',
      );
    this.#state.s3 = s3;
  }

  /** Ports are chosen at the start; a later wish for others is an error rather than ignored. */
  #refuseOtherPorts({ ports }: HoldRequest): void {
    const now = this.#state.ports;
    if (!this.#isServing || now === null) return;
    for (const name of Object.keys(now) as (keyof Ports)[]) {
      if (ports[name] !== undefined && ports[name] !== now[name])
        throw new LodestoneError(
          'InvalidConfig',
          `ports.${name}: got ${ports[name]}, but the local stack runs on ${now[name]}. ` +
            'Run `lodestone dev down` first, or leave the port out.',
        );
    }
  }

  async #serve(wishes: PortWishes): Promise<Ports> {
    const { projectRoot, s3 } = this.#state;
    const ports = await choosePorts(wishes, this.#state.ports);
    if (this.#ending) throw stoppedWhileStarting();
    this.#state.ports = ports;
    this.#save();
    try {
      await Promise.all([
        this.#startServer('Temporal', ports.temporal, temporalProgram(this.stateDir, projectRoot, s3, ports)),
        this.#startServer(s3, ports.s3, s3Program(this.stateDir, projectRoot, s3, ports, this.credentials)),
      ]);
    } catch (error) {
      await this.#endProcesses();
      throw error;
    }
    this.#isServing = true;
    return ports;
  }

  async #startServer(title: string, port: number, program: Program): Promise<void> {
    const startedMs = Date.now();
    this.#progress(`${title}: starting on 127.0.0.1:${port}`);
    const server = this.#run(program);
    for (;;) {
      const failure = await program.check().then(
        () => null,
        (error: unknown) => error,
      );
      if (failure === null && server.mark !== null) break;
      if (this.#ending) throw stoppedWhileStarting();
      const late = Date.now() - startedMs > START_TIMEOUT_MS;
      if (late || server.restarts >= DEATHS_BEFORE_GIVING_UP)
        throw new LodestoneError(
          program.name === 'temporal' ? 'TemporalUnavailable' : 'StoreUnavailable',
          `${title}: ${late ? `did not serve within ${START_TIMEOUT_MS / 1000} s` : `ended ${server.restarts} times before it served`}. ` +
            `Its log says why: ${logPaths(this.stateDir)[program.name]}`,
          { cause: failure },
        );
      await sleep(CHECK_PAUSE_MS);
    }
    this.#progress(`${title}: serves after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
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
    await this.#endProcess('worker');
    await this.#endProcess('temporal');
    await this.#endProcess('s3');
    this.#isServing = false;
  }

  async #endProcess(name: ProcessName): Promise<void> {
    await this.#processes.get(name)?.stop();
    this.#processes.delete(name);
  }

  #leases(): KeptLease[] {
    return [...[...this.#holders].filter(({ lease }) => !this.#isKept(lease)), ...this.#state.leases];
  }

  #isKept(lease: Lease): boolean {
    return this.#state.leases.some((kept) => sameLease(kept.lease, lease));
  }

  #keep(kept: KeptLease): void {
    this.#state.leases = [...this.#state.leases.filter(({ lease }) => !sameLease(lease, kept.lease)), kept];
    this.#save();
  }

  /** Starts what is wanted at once; ends what nobody wants after a grace, since commands often follow each other. */
  #review(): void {
    if (this.#ending) return;
    if (this.#workerIsWanted() && this.#isServing && this.#state.ports !== null && !this.#processes.has('worker')) {
      const { projectRoot, ports } = this.#state;
      this.#run(workerProgram(this.stateDir, projectRoot, ports, this.credentials, this.#workerCommand));
    }
    if (this.#graceTimer) clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => void this.#endUnwanted(), LAST_LEASE_GRACE_MS);
  }

  async #endUnwanted(): Promise<void> {
    if (this.#leases().length === 0) return this.end();
    if (this.#workerIsWanted() || !this.#processes.has('worker')) return;
    await this.#endProcess('worker');
    this.#review(); // somebody may have asked for one meanwhile
  }

  #workerIsWanted(): boolean {
    return this.#leases().some(({ worker }) => worker === 'all');
  }

  /** A run whose command is gone keeps the stack until its workflow is closed. */
  async #endClosedRuns(): Promise<void> {
    const { ports } = this.#state;
    if (!this.#isServing || this.#ending || ports === null) return;
    const connected = [...this.#holders].map(({ lease }) => lease);
    for (const { lease } of this.#state.leases) {
      if (lease.type !== 'run' || connected.some((other) => sameLease(other, lease))) continue;
      if (await runIsClosed(`127.0.0.1:${ports.temporal}`, lease.name)) {
        this.log.info({ run: lease.name }, 'run is over');
        this.endRun(lease.name);
      }
    }
  }

  #progress(line: string): void {
    this.log.info({ line }, 'progress');
    this.#tell({ type: 'progress', line });
  }

  #tell(message: Reply): void {
    for (const { socket } of this.#holders) send(socket, message);
  }

  #save(): void {
    writeState(this.stateDir, this.#state);
  }
}

function sameLease(one: Lease, other: Lease): boolean {
  return one.type !== 'command' && JSON.stringify(one) === JSON.stringify(other);
}

function stoppedWhileStarting(): LodestoneError {
  return new LodestoneError('RunStopped', 'the local stack was stopped while it started');
}
