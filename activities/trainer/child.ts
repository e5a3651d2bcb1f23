/**
 * The trainer child process: the only one that loads TensorFlow. Takes works of its host one after the other.
 *
 *   P1  It ends when its host is gone (IPC disconnect, or another parent), and ignores SIGINT and SIGTERM: Ctrl-C reaches
 *       the whole process group, and what stops a trainer is its host's word.
 */
import { LodestoneError, assertNever } from '../../errors';
import { fingerprint } from '../../engine/fingerprint';
import { chooseKernels } from '../../engine/kernels';
import { HeldSession } from './held-session';
import type { ChildMessage, FoundPart, HostMessage, SavedState, TrainerWork, WorkResult } from './protocol';
import { evaluateState, help, refresh, train, type WorkHooks } from './work';

const parent = process.ppid;
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));
setInterval(() => process.ppid === parent || process.exit(0), 1000).unref();

/** Reads under way, by their number. */
const reads = new Map<number, (bytes: Uint8Array | null) => void>();
/** Parts of other trainers that were asked for, by their number. */
const finds = new Map<number, (found: FoundPart) => void>();
let lastRequest = 0;
/** Shards whose files the host has verified for the work under way. */
const there = new Set<number>();
const held = new HeldSession(async (shard, positions) => {
  if (there.has(shard)) return null;
  const bytes = await new Promise<Uint8Array | null>((resolve) => {
    reads.set(++lastRequest, resolve);
    send({ type: 'read', id: current?.id ?? '', request: lastRequest, shard, positions });
  });
  if (bytes === null) there.add(shard);
  return bytes;
});
/** The work under way: whether it shall stop, and its checkpoints that wait for their commit. */
let current: {
  readonly id: string;
  stop: boolean;
  pending: Set<number>;
  last: number;
  changed: boolean;
  onCommit: (() => void)[];
} | null = null;

process.on('message', (message: HostMessage) => {
  switch (message.type) {
    case 'stop':
      if (current?.id === message.id) current.stop = true;
      return;
    case 'committed':
      if (current?.id === message.id) settle(current, message.sequence, message.digest);
      return;
    case 'records':
      reads.get(message.request)?.(message.bytes);
      reads.delete(message.request);
      return;
    case 'found':
      finds.get(message.request)?.(message.found);
      finds.delete(message.request);
      return;
    case 'train':
    case 'refresh':
    case 'evaluate':
    case 'help':
      void perform(message);
      return;
    default:
      assertNever(message);
  }
});

function settle(work: NonNullable<typeof current>, sequence: number, digest: string): void {
  work.pending.delete(sequence);
  if (sequence === work.last && !work.changed) held.committed(digest);
  for (const resolve of work.onCommit.splice(0)) resolve();
}

async function perform(work: TrainerWork): Promise<void> {
  const { id } = work;
  const under = {
    id,
    stop: false,
    pending: new Set<number>(),
    last: 0,
    changed: false,
    onCommit: [] as (() => void)[],
  };
  current = under;
  there.clear();
  const hooks: WorkHooks = {
    doing: (activity) => send({ type: 'doing', id, activity }),
    stepped: (globalStep) => {
      under.changed = true; // an earlier commit is no longer this state (B3)
      held.changing();
      send({ type: 'stepped', id, globalStep });
    },
    progress: (details) => send({ type: 'progress', id, details }),
    checkpoint: (state: SavedState) => {
      under.pending.add(state.sequence);
      under.last = state.sequence;
      under.changed = false;
      send({ type: 'checkpoint', id, state });
    },
    part: (part) => send({ type: 'part', id, part }),
    find: (part, bring) =>
      new Promise((resolve) => {
        finds.set(++lastRequest, resolve);
        send({ type: 'find', id, request: lastRequest, part, bring });
      }),
    uncommitted: () => under.pending.size,
    nextCommit: () => new Promise((resolve) => under.onCommit.push(resolve)),
    stopRequested: () => under.stop,
    seconds: () => Number(process.hrtime.bigint()) / 1e9,
  };
  try {
    const result = await run(work, hooks);
    if (under.pending.size > 0) hooks.doing('commit');
    while (under.pending.size > 0) await hooks.nextCommit(); // the digest is known before the next work asks for it
    send({ type: 'done', id, result });
  } catch (error) {
    const known = error instanceof LodestoneError;
    const message = error instanceof Error ? error.message : String(error);
    const kind = known
      ? error.kind
      : /OOM|out of memory|RESOURCE_EXHAUSTED/i.test(message)
        ? 'OutOfMemory'
        : 'Unexpected';
    send({
      type: 'failed',
      id,
      kind,
      message: known ? message : `${message}\n${(error as Error).stack ?? ''}`,
      facts: known ? error.facts : {},
    });
  } finally {
    current = null;
  }
}

function run(work: TrainerWork, hooks: WorkHooks): Promise<WorkResult> {
  switch (work.type) {
    case 'train':
      return train(work, held, hooks);
    case 'refresh':
      return refresh(work, held, hooks);
    case 'evaluate':
      return evaluateState(work, held, hooks);
    case 'help':
      return help(work, held, hooks);
  }
}

function send(message: ChildMessage): void {
  process.send?.(message);
}

chooseKernels(process.env['LODESTONE_KERNELS'] === 'stock' ? 'stock' : 'proven');
send({ type: 'ready', fingerprint: fingerprint() });
