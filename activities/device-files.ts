/**
 * Committed files as a trainer reads them: laid in the cache, and kept there until the work is over.
 *
 *   S8  A committed file that cannot be read is InputRejected, and the workflow goes back.
 */
import { IndexManifest, type CheckpointRef, type IndexRef, type ObjectRef } from '../config/artifacts';
import { CheckpointStore } from '../storage/checkpoints';
import { readManifest } from '../storage/commits';
import { rejectingInput } from './failures';
import type { Services } from './services';
import type { IndexFile, StateFiles } from './trainer/protocol';

/** A life cycle: everything that it brought stays until `release`; what is asked for after that is not kept. */
export class DeviceFiles {
  private readonly checkpoints: CheckpointStore;
  private readonly releases: (() => void)[] = [];
  private isReleased = false;

  constructor(
    private readonly services: Pick<Services, 'store' | 'cache'>,
    run: string,
  ) {
    this.checkpoints = new CheckpointStore(services.store, run);
  }

  /** A local file of an object: shards that fill behind push out what nobody holds. */
  localFile(ref: ObjectRef): Promise<string> {
    const { store, cache } = this.services;
    if (!this.isReleased) this.releases.push(cache.hold([ref]));
    return cache.path(store, ref);
  }

  state(given: CheckpointRef): Promise<StateFiles> {
    return rejectingInput(
      `checkpoint ${given.digest.slice(0, 12)}`,
      async () => {
        const { position, tensors, curve } = await this.checkpoints.read(given);
        const files = { tensors: await this.localFile(tensors), curve: await this.localFile(curve) };
        return { digest: given.digest, position, ...files };
      },
      async () => (await this.checkpoints.lastGood(given))?.digest ?? null,
    );
  }

  index(given: IndexRef): Promise<IndexFile> {
    return rejectingInput(`index ${given.digest.slice(0, 12)}`, async () => {
      const { tensors } = await readManifest(this.services.store, given.manifest, IndexManifest);
      return { digest: given.digest, tensors: await this.localFile(tensors) };
    });
  }

  release(): void {
    this.isReleased = true;
    for (const release of this.releases.splice(0)) release();
  }
}
