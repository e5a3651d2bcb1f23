/** What happened and when: attempts, losses, resume marks and speeds, outside every digest (S6). */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { Phase } from '../config/artifacts';
import { EpochSpeed } from '../config/speed';
import { runLayout } from '../storage/run-layout';
import type { ObjectStore } from '../storage/store';

const Event = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('attempt'),
    phase: Phase,
    epoch: z.int(),
    /** Global step of the checkpoint that the attempt went on from; null: the start of the epoch. */
    resumedFrom: z.int().nullable(),
    /** Damaged checkpoints that were passed over, by name (S4). */
    skipped: z.array(z.string()),
  }),
  /** A trainer or a worker died. The steps between the next attempt's start and this one's last were made again. */
  z.object({
    type: z.literal('lost'),
    what: z.enum(['trainer', 'worker']),
    phase: Phase,
    epoch: z.int(),
    /** Global step that was applied last. */
    reached: z.int(),
  }),
  /** What an attempt at an epoch cost that came to its end or was stopped. */
  z.object({ type: z.literal('speed'), phase: Phase, epoch: z.int(), speed: EpochSpeed }),
]);
export type Event = z.infer<typeof Event>;

export async function writeEvent(store: ObjectStore, run: string, event: Event): Promise<void> {
  const at = new Date().toISOString();
  const name = `${at.replace(/[:.]/g, '-')}-${randomUUID()}.json`;
  await store.put(runLayout(run).event(name), Buffer.from(JSON.stringify({ ...event, at, host: hostname() })));
}

/** In the order of time. They are hints: what cannot be read as one is passed over, no run waits for it. */
export async function readEvents(store: ObjectStore, run: string): Promise<Event[]> {
  const keys: string[] = [];
  for await (const key of store.list(runLayout(run).events)) keys.push(key);
  const events: Event[] = [];
  for (const key of keys.sort()) {
    const bytes = await store.get(key);
    const event = bytes && eventFrom(bytes);
    if (event) events.push(event);
  }
  return events;
}

function eventFrom(bytes: Uint8Array): Event | null {
  try {
    return Event.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data ?? null;
  } catch {
    return null; // truncated or overwritten
  }
}
