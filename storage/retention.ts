/**
 * What a run stores and nobody will ask for again. Deleting is a step of its own (`lodestone gc`), and only for runs that are
 * not open: an open run's blobs come before the manifest that names them (S1, S9).
 *
 * Kept is all that a resume, an extension, a rewind (S8) or a report reads: the checkpoint at the end of every epoch, the newest
 * of an epoch that is not over, indices, evaluations, results, events.
 */
import { z } from 'zod';
import { CheckpointStore } from './checkpoints';
import { findManifest } from './commits';
import { runLayout } from './run-layout';
import type { ObjectStore } from './store';

/** Keys. */
export interface Garbage {
  /** Checkpoints inside epochs whose end is committed and whole. */
  readonly checkpoints: readonly string[];
  /** Parts of embeddings of a run that is finished: what they were kept for is there (S7). */
  readonly parts: readonly string[];
  /** What nothing else of the run names: left by attempts that died before their commit, or by the above. */
  readonly blobs: readonly string[];
}

const Finished = z.looseObject({ result: z.looseObject({ status: z.literal('finished') }) });

export async function garbageOf(store: ObjectStore, run: string): Promise<Garbage> {
  const layout = runLayout(run);
  const isFinished = (await findManifest(store, layout.result, Finished)) !== null;
  const shown = await digestsIn(store, layout.result); // of a run that stopped inside an epoch: what its report is of
  const superseded = await new CheckpointStore(store, run).superseded();
  const checkpoints = superseded.filter(({ digest }) => !shown.includes(digest)).map(({ key }) => key);

  const dropped = new Set(checkpoints);
  const named = new Set<string>();
  const [parts, stored]: [string[], string[]] = [[], []];
  for await (const key of store.list(layout.prefix)) {
    if (key.startsWith(layout.blobs)) stored.push(key);
    else if (isFinished && key.startsWith(layout.parts)) parts.push(key);
    else if (key.endsWith('.json') && !dropped.has(key))
      for (const digest of await digestsIn(store, key)) named.add(digest);
  }
  return { checkpoints, parts, blobs: stored.filter((key) => !named.has(key.slice(layout.blobs.length))) };
}

export async function bytesOf(store: ObjectStore, { checkpoints, parts, blobs }: Garbage): Promise<number> {
  let bytes = 0;
  for (const key of [...checkpoints, ...parts, ...blobs]) bytes += (await store.head(key))?.bytes ?? 0;
  return bytes;
}

/** Manifests first: killed in between, what is left is blobs that nothing names, for the next time (S2). */
export async function deleteGarbage(store: ObjectStore, { checkpoints, parts, blobs }: Garbage): Promise<void> {
  for (const key of [...checkpoints, ...parts, ...blobs]) await store.delete(key);
}

/** Every sha256 in its text, whatever its schema: an unknown manifest must protect what it names. */
async function digestsIn(store: ObjectStore, key: string): Promise<readonly string[]> {
  const bytes = await store.get(key);
  return (
    (bytes &&
      Buffer.from(bytes)
        .toString()
        .match(/[0-9a-f]{64}/g)) ??
    []
  );
}
