/**
 * What a run stores that no manifest of it names: blobs of attempts that died before their commit. Deleting is a step of
 * its own, and only for runs that are not open: an open run's blobs come before the manifest that names them (S1, S9).
 */
import { runLayout } from './run-layout';
import type { ObjectStore } from './store';

/** Keys of the run's blobs that no JSON object of the run names. */
export async function garbage(store: ObjectStore, run: string): Promise<string[]> {
  const { prefix, blobs } = runLayout(run);
  const named = new Set<string>();
  const stored: string[] = [];
  for await (const key of store.list(prefix)) {
    if (key.startsWith(blobs)) stored.push(key);
    else if (key.endsWith('.json')) for (const digest of await digestsIn(store, key)) named.add(digest);
  }
  return stored.filter((key) => !named.has(key.slice(blobs.length)));
}

/** Deletes what `garbage` found, and nothing that it would not find. */
export async function deleteGarbage(store: ObjectStore, run: string): Promise<string[]> {
  const keys = await garbage(store, run);
  for (const key of keys) await store.delete(key);
  return keys;
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
