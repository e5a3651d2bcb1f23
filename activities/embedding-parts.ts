/**
 * Parts of a state's embeddings in the store: those that an earlier attempt committed, and the commit of another (S7).
 * What cannot be read counts as missing: it is embedded again.
 */
import { EmbeddingPart, type ObjectRef } from '../config/artifacts';
import { digestOf } from '../config/canonical-json';
import { LodestoneError, type FailureKind } from '../errors';
import { Blobs } from '../storage/blobs';
import { commitManifest, findManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import { keyOf, type ObjectStore } from '../storage/store';
import { EXAMPLES_OF_PART, type FoundPart, type PartFile } from './trainer/protocol';

/** What is embedded: the same inputs give the same parts (S5). */
export interface EmbeddedInputs {
  readonly checkpoint: string;
  readonly dataSet: string;
  readonly examples: 'train+validation' | 'all';
  /** Digest of the fingerprint of the trainer that embeds: another one may compute other bits (B1). */
  readonly fingerprint: string;
}

export class EmbeddingParts {
  readonly #prefix: string;
  readonly #blobs: Blobs;

  constructor(
    private readonly store: ObjectStore,
    run: string,
    inputs: EmbeddedInputs,
  ) {
    const layout = runLayout(run);
    this.#prefix = layout.embeddings(digestOf({ ...inputs, size: EXAMPLES_OF_PART }));
    this.#blobs = new Blobs(store, layout.blobs);
  }

  /**
   * The committed parts as local files.
   * @param fetch brings an object to this host
   */
  async files(fetch: Fetch): Promise<PartFile[]> {
    const { store } = this;
    const files: PartFile[] = [];
    for await (const key of store.list(this.#prefix)) {
      const found = await findManifest(store, key, EmbeddingPart);
      if (found === null) continue;
      const { part, tensors } = found.value;
      const path = await unlessUnreadable(() => fetch(tensors));
      if (path !== null) files.push({ part, tensors: path });
    }
    return files;
  }

  /**
   * Whether a part is there by now, as another trainer may have made it. A store that does not answer holds nothing up: the
   * part is then made again.
   * @param fetch brings an object to this host; null: only whether there is one is asked
   */
  find(part: number, fetch: Fetch | null): Promise<FoundPart> {
    const look = async (): Promise<FoundPart> => {
      const found = await findManifest(this.store, this.#keyOf(part), EmbeddingPart);
      if (found === null) return absent;
      return { isThere: true, tensors: fetch && (await fetch(found.value.tensors)) };
    };
    return unlessUnreadable(look, 'StoreUnavailable').then((found) => found ?? absent);
  }

  /** Removes all parts: what they were for is committed. @param but sha256 of a blob that something else names */
  async clear(but: string | null): Promise<void> {
    const { store } = this;
    for await (const key of store.list(this.#prefix)) {
      const found = await findManifest(store, key, EmbeddingPart);
      await store.delete(key);
      if (found && found.value.tensors.sha256 !== but) await store.delete(keyOf(store, found.value.tensors.uri));
    }
  }

  async commit({ part, tensors }: PartFile): Promise<void> {
    const blob = await this.#blobs.putFile(tensors);
    await commitManifest(this.store, this.#keyOf(part), EmbeddingPart, { version: 1, part, tensors: blob });
  }

  #keyOf(part: number): string {
    return `${this.#prefix}${part}.json`;
  }
}

type Fetch = (ref: ObjectRef) => Promise<string>;

const absent: FoundPart = { isThere: false, tensors: null };

/** null where the object is missing or damaged, or for another of the reasons that are named. */
async function unlessUnreadable<T>(read: () => Promise<T>, ...alsoFor: readonly FailureKind[]): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof LodestoneError && ['ArtifactCorrupt', ...alsoFor].includes(error.kind)) return null;
    throw error;
  }
}
