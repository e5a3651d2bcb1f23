/**
 * Blobs: bytes of any size, named by their sha256 and uploaded before the manifest that names them (S1).
 * Knows digests and lengths; what the bytes mean is the business of whoever put them.
 *
 *   S1  A blob's key is its digest, so that two attempts at the same work put the same object.
 *   S2  An object is replaced only by identical bytes, and that is the repair: what is there is believed only after its
 *       digest was checked, and a put whose reply was lost is read back before it is made again.
 */
import type { ObjectRef } from '../config/artifacts';
import { sha256Hex } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { hashFile } from './local-file';
import { keyOf, uriOf, type ObjectStore } from './store';

/** What helps against damage, whoever finds it. A finished run computes nothing again. */
export const REMEDY =
  'Run the same command again: what is not finished makes it anew. For a finished run, restore the object, or train anew with --again.';

/** A put is tried again this often when its fate is unknown; whoever called retries for longer (S7). */
const ATTEMPTS = 3;

export class Blobs {
  /** @param prefix where they lie: `runLayout(run).blobs` or `dataSets.blobs` */
  constructor(
    readonly store: ObjectStore,
    readonly prefix: string,
  ) {}

  /** @param sha256 of the bytes, where the caller has computed it */
  async putBytes(bytes: Uint8Array, sha256 = sha256Hex(bytes)): Promise<ObjectRef> {
    const ref = this.#ref(sha256, bytes.length);
    await ensureObject(this.store, ref, (key) => this.store.put(key, bytes));
    return ref;
  }

  async putFile(path: string): Promise<ObjectRef> {
    const { sha256, bytes } = await hashFile(path);
    const ref = this.#ref(sha256, bytes);
    await ensureObject(this.store, ref, (key) => this.store.putFile(key, path));
    return ref;
  }

  /** Throws ArtifactCorrupt where the bytes are missing or are not those of the reference. */
  getVerified(ref: ObjectRef): Promise<Uint8Array> {
    return getVerified(this.store, ref);
  }

  #ref(sha256: string, bytes: number): ObjectRef {
    return { uri: uriOf(this.store, `${this.prefix}${sha256}`), sha256, bytes };
  }
}

/** The bytes of any object by its reference. Throws ArtifactCorrupt where they are missing or are others. */
export async function getVerified(store: ObjectStore, ref: ObjectRef): Promise<Uint8Array> {
  const bytes = await store.get(keyOf(store, ref.uri));
  if (bytes === null) throw corrupt(ref, 'is missing');
  const sha256 = sha256Hex(bytes);
  if (bytes.length !== ref.bytes || sha256 !== ref.sha256)
    throw corrupt(ref, `has ${bytes.length} bytes of sha256 ${sha256}`);
  return bytes;
}

export function corrupt(ref: ObjectRef, found: string, cause?: unknown): LodestoneError {
  return new LodestoneError(
    'ArtifactCorrupt',
    `${ref.uri}: ${found}, must be ${ref.bytes} bytes of sha256 ${ref.sha256}. ${REMEDY}`,
    { cause, facts: { uri: ref.uri, sha256: ref.sha256 } },
  );
}

/** Puts an object unless its very bytes are there already. */
async function ensureObject(store: ObjectStore, ref: ObjectRef, put: (key: string) => Promise<void>): Promise<void> {
  const key = keyOf(store, ref.uri);
  if (await holds(store, key, ref)) return;
  await putUntilKnown(store, key, ref, () => put(key));
}

/**
 * One put, and where its reply says nothing certain (time-out, 5xx, 412): read back, verify, put again what fails (S2).
 * @param put returns when the store has said yes; throws StoreUnavailable when its fate is unknown
 */
export async function putUntilKnown(
  store: ObjectStore,
  key: string,
  ref: ObjectRef,
  put: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await put();
    } catch (error) {
      const isUnknown = error instanceof LodestoneError && error.kind === 'StoreUnavailable';
      if (!isUnknown) throw error;
      // A store that does not answer this question either is unavailable: its own error says so.
      if (await holds(store, key, ref)) return;
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Whether the object there is the one of the reference, to the last bit; the length is asked first, for it is cheap. */
export async function holds(store: ObjectStore, key: string, ref: ObjectRef): Promise<boolean> {
  const found = await store.head(key);
  if (found?.bytes !== ref.bytes) return false;
  const bytes = await store.get(key);
  return bytes !== null && bytes.length === ref.bytes && sha256Hex(bytes) === ref.sha256;
}
