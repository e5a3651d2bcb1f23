/**
 * Parts of a state's embeddings in the store: those that an earlier attempt committed, and the commit of another (S7).
 * What cannot be read counts as missing: it is embedded again.
 */
import { EmbeddingPart, type ObjectRef } from '../config/artifacts';
import { digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { Blobs } from '../storage/blobs';
import { commitManifest, findManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import { keyOf, type ObjectStore } from '../storage/store';
import { EXAMPLES_OF_PART, type PartFile } from './trainer/protocol';

/** What is embedded: the same inputs give the same parts (S5). */
export interface EmbeddedInputs {
  readonly checkpoint: string;
  readonly dataSet: string;
  readonly examples: 'train+validation' | 'all';
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
  async files(fetch: (ref: ObjectRef) => Promise<string>): Promise<PartFile[]> {
    const { store } = this;
    const files: PartFile[] = [];
    for await (const key of store.list(this.#prefix)) {
      const found = await findManifest(store, key, EmbeddingPart);
      if (found === null) continue;
      const { part, tensors } = found.value;
      try {
        files.push({ part, tensors: await fetch(tensors) });
      } catch (error) {
        if (!(error instanceof LodestoneError && error.kind === 'ArtifactCorrupt')) throw error;
      }
    }
    return files;
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
    await commitManifest(this.store, `${this.#prefix}${part}.json`, EmbeddingPart, {
      version: 1,
      part,
      tensors: blob,
    });
  }
}
