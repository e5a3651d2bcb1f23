/**
 * The commit protocol: work becomes real by writing one manifest. Knows keys, bytes and schemas; does not know what a
 * manifest stands for, nor retries of activities.
 *
 *   S1  Blobs go first; the put of the manifest, named by what it is, is the commit.
 *   S2  What has no manifest does not exist. A damaged manifest is replaced by the bytes that belong there; a whole one
 *       only by itself, unless what it names is lost (commitWhole).
 *   S3  Nothing relies on the store for exclusion: creating is a cheap way not to disturb what is there, no more.
 */
import type { z } from 'zod';
import type { ObjectRef } from '../config/artifacts';
import { canonicalJson, sha256Hex } from '../config/canonical-json';
import { parseAtEdge } from '../config/parse';
import { LodestoneError } from '../errors';
import { getVerified, putUntilKnown, REMEDY } from './blobs';
import { uriOf, type ObjectStore } from './store';

/**
 * Commits a manifest under a key that names its content or its inputs.
 * @returns the reference of what is committed there: where a whole manifest was there first, that one's
 */
export async function commitManifest<S extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: S,
  value: z.input<S>,
): Promise<ObjectRef> {
  const bytes = manifestBytes(schema, value, key);
  const ref = manifestRef(store, key, bytes);
  let earlier: ObjectRef | null = null;
  await putUntilKnown(store, key, ref, async () => {
    if (await store.create(key, bytes)) return;
    const there = await store.get(key);
    earlier = there && !key.includes(ref.sha256) && isWhole(there, schema) ? manifestRef(store, key, there) : null;
    if (earlier === null && (there === null || !equal(there, bytes))) await store.put(key, bytes);
  });
  return earlier ?? ref;
}

/**
 * Writes what may be replaced: a view that follows its run (the result), or what names something that is lost: whatever refers
 * to that one cannot be used either.
 */
export async function replaceManifest<S extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: S,
  value: z.input<S>,
): Promise<ObjectRef> {
  const bytes = manifestBytes(schema, value, key);
  const ref = manifestRef(store, key, bytes);
  await putUntilKnown(store, key, ref, () => store.put(key, bytes));
  return ref;
}

/**
 * Commits a manifest of something that lies beside it. One that was committed there first is kept only while what it names is
 * whole: where that is lost, and computing it again gave other bits, it would block everything that needs it.
 * @param isWhole whether what a committed value names is there to the last bit
 * @returns what is committed there then
 */
export async function commitWhole<S extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: S,
  value: z.input<S>,
  isWhole: (committed: z.output<S>) => Promise<boolean>,
): Promise<{ ref: ObjectRef; value: z.output<S> }> {
  const own = manifestRef(store, key, manifestBytes(schema, value, key));
  let ref = await commitManifest(store, key, schema, value);
  let committed = await readManifest(store, ref, schema);
  if (ref.sha256 !== own.sha256 && !(await isWhole(committed))) {
    ref = await replaceManifest(store, key, schema, value);
    committed = await readManifest(store, ref, schema);
  }
  return { ref, value: committed };
}

/**
 * Reads a manifest: by reference its bytes are verified, and a missing one is ArtifactCorrupt; by key a missing one is null.
 * Throws ArtifactCorrupt where it is not what the schema says.
 */
export function readManifest<S extends z.ZodType>(store: ObjectStore, at: ObjectRef, schema: S): Promise<z.output<S>>;
export function readManifest<S extends z.ZodType>(
  store: ObjectStore,
  at: string,
  schema: S,
): Promise<z.output<S> | null>;
export async function readManifest<S extends z.ZodType>(
  store: ObjectStore,
  at: ObjectRef | string,
  schema: S,
): Promise<z.output<S> | null> {
  const bytes = typeof at === 'string' ? await store.get(at) : await getVerified(store, at);
  return bytes && parseManifest(bytes, schema, typeof at === 'string' ? uriOf(store, at) : at.uri);
}

/**
 * Looks for a committed result under the key of its inputs (S5). A damaged one counts as none: whoever computes it again
 * repairs it by committing it.
 */
export async function findManifest<S extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: S,
): Promise<{ ref: ObjectRef; value: z.output<S> } | null> {
  const bytes = await store.get(key);
  if (bytes === null || !isWhole(bytes, schema)) return null;
  return { ref: manifestRef(store, key, bytes), value: parseManifest(bytes, schema, key) };
}

/**
 * A manifest from its bytes, wherever they were read. Throws ArtifactCorrupt where they are not what the schema says.
 * @param what names them
 */
export function parseManifest<S extends z.ZodType>(bytes: Uint8Array, schema: S, what: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new LodestoneError(
      'ArtifactCorrupt',
      `${what}: ${bytes.length} bytes that are not JSON, must be a manifest. ${REMEDY}`,
      { cause },
    );
  }
  return parseAtEdge(schema, value, what, 'ArtifactCorrupt');
}

/** The digest under which a manifest will be committed. */
export function manifestDigestOf<S extends z.ZodType>(schema: S, value: z.input<S>): string {
  return sha256Hex(manifestBytes(schema, value, 'manifest'));
}

function manifestBytes<S extends z.ZodType>(schema: S, value: z.input<S>, what: string): Uint8Array {
  return Buffer.from(canonicalJson(parseAtEdge(schema, value, what, 'Unexpected')));
}

function manifestRef(store: ObjectStore, key: string, bytes: Uint8Array): ObjectRef {
  return { uri: uriOf(store, key), sha256: sha256Hex(bytes), bytes: bytes.length };
}

function isWhole(bytes: Uint8Array, schema: z.ZodType): boolean {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(bytes).toString())).success;
  } catch {
    return false; // not JSON: truncated or overwritten
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
