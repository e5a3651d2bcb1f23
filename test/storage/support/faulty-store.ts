/** A store that does what a test says at a chosen moment: fails before or after, answers with other bytes, waits. */
import { LodestoneError } from '../../../errors';
import type { ObjectFacts, ObjectStore } from '../../../storage/store';

export type Operation = 'get' | 'getRange' | 'getToFile' | 'put' | 'create' | 'putFile' | 'head' | 'delete';
/** Stands in for one call: `go` does what was asked. */
export type Fault = (operation: Operation, key: string, go: () => Promise<unknown>) => Promise<unknown>;

export class FaultyStore implements ObjectStore {
  readonly uri: string;
  readonly calls: string[] = [];

  constructor(
    readonly inner: ObjectStore,
    readonly fault: Fault = (_operation, _key, go) => go(),
  ) {
    this.uri = inner.uri;
  }

  get(key: string): Promise<Uint8Array | null> {
    return this.#do('get', key, () => this.inner.get(key));
  }
  getRange(key: string, offset: number, length: number): Promise<Uint8Array | null> {
    return this.#do('getRange', key, () => this.inner.getRange(key, offset, length));
  }
  getToFile(key: string, path: string): Promise<boolean> {
    return this.#do('getToFile', key, () => this.inner.getToFile(key, path));
  }
  put(key: string, bytes: Uint8Array): Promise<void> {
    return this.#do('put', key, () => this.inner.put(key, bytes));
  }
  create(key: string, bytes: Uint8Array): Promise<boolean> {
    return this.#do('create', key, () => this.inner.create(key, bytes));
  }
  putFile(key: string, path: string): Promise<void> {
    return this.#do('putFile', key, () => this.inner.putFile(key, path));
  }
  head(key: string): Promise<ObjectFacts | null> {
    return this.#do('head', key, () => this.inner.head(key));
  }
  list(prefix: string): AsyncIterable<string> {
    return this.inner.list(prefix);
  }
  delete(key: string): Promise<void> {
    return this.#do('delete', key, () => this.inner.delete(key));
  }

  #do<T>(operation: Operation, key: string, go: () => Promise<T>): Promise<T> {
    this.calls.push(`${operation} ${key}`);
    return this.fault(operation, key, go) as Promise<T>;
  }
}

export const noAnswer = (): LodestoneError => new LodestoneError('StoreUnavailable', 'store: no answer (of the test)');

/** The first call that fits fails; later ones do not. */
export function once(
  fits: (operation: Operation, key: string) => boolean,
  how: 'before' | 'after',
  failure: () => Error = noAnswer,
): Fault {
  let isSpent = false;
  return async (operation, key, go) => {
    if (isSpent || !fits(operation, key)) return go();
    isSpent = true;
    if (how === 'after') await go();
    throw failure();
  };
}

export async function flipOneByte(store: ObjectStore, key: string): Promise<void> {
  const bytes = Uint8Array.from((await store.get(key)) ?? []);
  bytes[Math.floor(bytes.length / 2)] ^= 1;
  await store.put(key, bytes);
}

export async function truncate(store: ObjectStore, key: string): Promise<void> {
  const bytes = (await store.get(key)) ?? new Uint8Array();
  await store.put(key, bytes.slice(0, bytes.length - 3));
}

export async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys;
}
