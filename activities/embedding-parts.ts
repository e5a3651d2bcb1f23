/**
 * Parts of a state's embeddings in the store: those that an earlier attempt committed, and the commit of another (S7).
 * What cannot be read counts as missing: it is embedded again.
 */
import { EmbeddingPart } from '../config/artifacts';
import { digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { Blobs } from '../storage/blobs';
import { commitManifest, findManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import type { TrainerServices } from './services';
import type { PartFile } from './trainer/protocol';

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
    private readonly services: Pick<TrainerServices, 'store' | 'cache'>,
    run: string,
    inputs: EmbeddedInputs,
  ) {
    const layout = runLayout(run);
    this.#prefix = layout.embeddings(digestOf({ ...inputs }));
    this.#blobs = new Blobs(services.store, layout.blobs);
  }

  /** The committed parts as local files. */
  async files(): Promise<PartFile[]> {
    const { store, cache } = this.services;
    const files: PartFile[] = [];
    for await (const key of store.list(this.#prefix)) {
      const found = await findManifest(store, key, EmbeddingPart);
      if (found === null) continue;
      const { part, tensors } = found.value;
      try {
        files.push({ part, tensors: await cache.path(store, tensors) });
      } catch (error) {
        if (!(error instanceof LodestoneError && error.kind === 'ArtifactCorrupt')) throw error;
      }
    }
    return files;
  }

  async commit({ part, tensors }: PartFile): Promise<void> {
    const blob = await this.#blobs.putFile(tensors);
    await commitManifest(this.services.store, `${this.#prefix}${part}.json`, EmbeddingPart, {
      version: 1,
      part,
      tensors: blob,
    });
  }
}
