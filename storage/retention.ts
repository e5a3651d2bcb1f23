/**
 * What a run stores and nobody will ask for again. Deleting is a step of its own (`lodestone gc`), and only for runs that are
 * not open: an open run's blobs come before the manifest that names them (S1, S9).
 *
 * Kept is all that a resume, an extension, a rewind (S8) or a report reads: the checkpoint at the end of every epoch, all of an
 * epoch that is not over, indices, evaluations, results, events. Where something of a run is damaged, what it names is not known,
 * and no blob of the run is deleted: it may be what the damage is mended with.
 */
import { z } from 'zod';
import { CheckpointRef, EmbeddingPart } from '../config/artifacts';
import { CheckpointStore, EpochEnd } from './checkpoints';
import { findManifest } from './commits';
import { runLayout } from './run-layout';
import { keyOf, type ObjectStore } from './store';

/** Keys. */
export interface Garbage {
  /** Checkpoints inside epochs whose end is committed and whole. */
  readonly checkpoints: readonly string[];
  /** Parts of embeddings of a run that went no further than its result: what they were kept for is there (S7). */
  readonly parts: readonly string[];
  /** What nothing else of the run names: left by attempts that died before their commit, or by the above. */
  readonly blobs: readonly string[];
  /** Of all of the above. */
  readonly bytes: number;
  /** A line for each damaged object of the run. */
  readonly damaged: readonly string[];
}

export interface GarbageOptions {
  /** What was written later is spared, whatever it is: somebody may be about to name it. */
  readonly before: Date;
}

const Result = z.looseObject({
  result: z.looseObject({ status: z.enum(['finished', 'stopped']), checkpoint: CheckpointRef }),
});

export async function garbageOf(store: ObjectStore, run: string, { before }: GarbageOptions): Promise<Garbage> {
  const layout = runLayout(run);
  const damaged: string[] = [];
  let bytes = 0;
  const goes = async (key: string): Promise<boolean> => {
    const facts = await store.head(key);
    if (facts === null || facts.modified >= before) return false;
    bytes += facts.bytes;
    return true;
  };
  const result = (await findManifest(store, layout.result, Result))?.value.result ?? null;
  const checkpoints: string[] = [];
  for (const { key, digest } of await new CheckpointStore(store, run).superseded(damaged)) {
    const isShown = digest === result?.checkpoint.digest; // a run that stopped inside an epoch: what its report is of
    if (!isShown && (await goes(key))) checkpoints.push(key);
  }

  const dropped = new Set(checkpoints);
  const named = new Set<string>();
  const [parts, stored]: [string[], string[]] = [[], []];
  const isOver = result?.status === 'finished' && !(await wentFurther(store, run, result.checkpoint));
  for await (const key of store.list(layout.prefix)) {
    if (key.startsWith(layout.blobs)) stored.push(key);
    else if (key.endsWith('.json') && !dropped.has(key)) {
      const text = Buffer.from((await store.get(key)) ?? []).toString();
      const content = parsed(text);
      if (content === undefined) damaged.push(`${key}: is not JSON`);
      const end = key.startsWith(layout.epochs) ? EpochEnd.safeParse(content).data?.checkpoint.manifest.uri : undefined;
      if (end !== undefined && (await store.head(keyOf(store, end))) === null) damaged.push(`${end}: is missing`);
      const isPart = isOver && key.startsWith(layout.parts) && EmbeddingPart.safeParse(content).success;
      if (isPart && (await goes(key))) parts.push(key);
      else for (const digest of text.match(/[0-9a-f]{64}/g) ?? []) named.add(digest); // whatever its schema
    }
  }
  const blobs: string[] = [];
  if (damaged.length === 0)
    for (const key of stored) if (!named.has(key.slice(layout.blobs.length)) && (await goes(key))) blobs.push(key);
  return { checkpoints, parts, blobs, bytes, damaged };
}

/**
 * Manifests first: killed in between, what is left is blobs that nothing names, for the next time (S2).
 * @param mayGoOn asked now and then; where it says no, the rest stays
 * @returns how many were deleted
 */
export async function deleteGarbage(
  store: ObjectStore,
  { checkpoints, parts, blobs }: Garbage,
  mayGoOn: () => Promise<boolean>,
): Promise<number> {
  const keys = [...checkpoints, ...parts, ...blobs];
  for (const [done, key] of keys.entries()) {
    if (done % ASK_EVERY === 0 && !(await mayGoOn())) return done;
    await store.delete(key);
  }
  return keys.length;
}

const ASK_EVERY = 100;

/** An extension that died has parts of what comes next. */
async function wentFurther(store: ObjectStore, run: string, { position }: CheckpointRef): Promise<boolean> {
  for await (const key of store.list(runLayout(run).checkpoints('train')))
    if (Number(/\/(\d+)\/[^/]+\.json$/.exec(key)?.[1] ?? 0) > position.globalStep) return true;
  return false;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
