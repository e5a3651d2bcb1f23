/**
 * The port to object storage: bytes by key. What lies behind it (S3, a folder) is the business of its implementations;
 * what keys and bytes mean is that of the commit protocol.
 *
 * Every implementation: a reader sees an object whole or not at all; a failure is a LodestoneError of kind
 * StoreUnavailable (does not answer, refuses) or DiskFull, and names the host or folder, the bucket and the way out.
 */
import { LodestoneError } from '../errors';

export interface ObjectFacts {
  readonly bytes: number;
  /** By the clock of the store. */
  readonly modified: Date;
}

export interface ObjectStore {
  /** What the uris of its objects begin with: `s3://bucket[/prefix]` or `file:`; never a host and port (E2). */
  readonly uri: string;
  get(key: string): Promise<Uint8Array | null>;
  /** `length` bytes from `offset`, which lies inside the object; fewer where it ends before. Nobody checks them. */
  getRange(key: string, offset: number, length: number): Promise<Uint8Array | null>;
  /** @returns false where there is no such object; the file is there whole or not at all */
  getToFile(key: string, path: string): Promise<boolean>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Puts an object only where there is none yet; false: there is one. Cheap, but never trusted as a lock (S3). */
  create(key: string, bytes: Uint8Array): Promise<boolean>;
  putFile(key: string, path: string): Promise<void>;
  head(key: string): Promise<ObjectFacts | null>;
  /** Keys that begin with `prefix`, in the order of their bytes. */
  list(prefix: string): AsyncIterable<string>;
  /** Deleting what is not there is no failure. */
  delete(key: string): Promise<void>;
}

export function uriOf(store: ObjectStore, key: string): string {
  return store.uri.endsWith(':') ? `${store.uri}${key}` : `${store.uri}/${key}`;
}

/** The key of an object by its uri; throws InvalidConfig where it belongs to another store. */
export function keyOf(store: ObjectStore, uri: string): string {
  const start = uriOf(store, '');
  if (uri.startsWith(start) && uri.length > start.length) return uri.slice(start.length);
  throw new LodestoneError(
    'InvalidConfig',
    `${uri}: must begin with ${start}, the store in use. Choose the store that holds it with --store or LODESTONE_STORE.`,
  );
}
