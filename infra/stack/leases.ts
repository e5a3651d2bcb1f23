/**
 * Who wants the stack: connected commands, and leases on disk that outlive theirs (`dev up`, a detached run).
 * Knows leases and their sockets. Does not know what is started or ended for them.
 */
import type { Socket } from 'node:net';
import { send, type Reply } from './protocol';
import type { KeptLease, Lease, StackState, WorkerWish } from './state';

export interface Holder {
  readonly lease: Lease;
  readonly worker: WorkerWish;
  readonly socket: Socket;
}

export class Leases {
  readonly #holders = new Set<Holder>();

  /** @param state its `leases` are those on disk; @param save after each change of them */
  constructor(
    private readonly state: Pick<StackState, 'leases'>,
    private readonly save: () => void,
  ) {}

  add(holder: Holder): void {
    this.#holders.add(holder);
  }

  remove(holder: Holder): void {
    this.#holders.delete(holder);
  }

  /** Lets the lease outlive its connection. */
  keep(kept: KeptLease): void {
    this.state.leases = [...this.state.leases.filter(({ lease }) => !sameLease(lease, kept.lease)), kept];
    this.save();
  }

  endRun(name: string): void {
    this.state.leases = this.state.leases.filter(({ lease }) => lease.type !== 'run' || lease.name !== name);
    this.save();
  }

  forgetKept(): void {
    this.state.leases = [];
  }

  all(): KeptLease[] {
    const isKept = (lease: Lease): boolean => this.state.leases.some((kept) => sameLease(kept.lease, lease));
    return [...[...this.#holders].filter(({ lease }) => !isKept(lease)), ...this.state.leases];
  }

  workerIsWanted(): boolean {
    return this.all().some(({ worker }) => worker === 'all');
  }

  /** Runs whose command is gone: only their workflow can say that they are over. */
  unattendedRuns(): string[] {
    const attended = [...this.#holders].map(({ lease }) => lease);
    return this.state.leases.flatMap(({ lease }) =>
      lease.type === 'run' && !attended.some((other) => sameLease(other, lease)) ? [lease.name] : [],
    );
  }

  tell(message: Reply): void {
    for (const { socket } of this.#holders) send(socket, message);
  }
}

function sameLease(one: Lease, other: Lease): boolean {
  return one.type !== 'command' && JSON.stringify(one) === JSON.stringify(other);
}
