/**
 * Objects as local files, for the trainer, which never speaks S3: keyed by sha256, verified once, removed least recently
 * used first when they outgrow the folder. Several processes may share one folder.
 *
 *   P7  A file is believed without hashing it again while its mark (size, mtime, inode) fits: no re-hash of 30 GB on restart.
 */
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectRef } from '../config/artifacts';
import { LodestoneError } from '../errors';
import { corrupt } from './blobs';
import { codeOf, explainDisk, hashFile, writeWhole } from './local-file';
import { keyOf, type ObjectStore } from './store';

export interface CacheOptions {
  readonly maxBytes: number;
}

interface Kept {
  readonly sha256: string;
  readonly bytes: number;
  readonly usedMs: number;
}

const MARK = '.verified';
/** No download stands still for so long. */
const LEFT_AFTER_MS = 3_600_000;
/** Downloads of other processes are not counted: after so many of our own the folder is looked at whatever we think. */
const LOOK_EVERY = 256;

export class LocalCache {
  readonly #maxBytes: number;
  /** One download per object, whoever asks. */
  readonly #inFlight = new Map<string, Promise<string>>();
  /** How many hold each object, by sha256. */
  readonly #held = new Map<string, number>();
  /** What the folder held when it was last looked at, and what came since; null: it was never looked at. */
  #estimate: { bytes: number; downloads: number } | null = null;

  constructor(
    readonly directory: string,
    { maxBytes }: CacheOptions,
  ) {
    this.#maxBytes = maxBytes;
  }

  /**
   * A local file with exactly the bytes of the reference; downloaded where it is missing or damaged.
   * It stays at least until the next call, and for as long as it is held.
   * Throws ArtifactCorrupt where the store's bytes are missing or are others.
   */
  path(store: ObjectStore, ref: ObjectRef): Promise<string> {
    const running = this.#inFlight.get(ref.sha256);
    if (running !== undefined) return running;
    const release = this.hold([ref]);
    const path = this.#provide(store, ref).finally(() => {
      this.#inFlight.delete(ref.sha256);
      release();
    });
    this.#inFlight.set(ref.sha256, path);
    return path;
  }

  /** Where the object's file is, once it is there: whole and verified. */
  placeOf({ sha256 }: ObjectRef): string {
    return this.#pathOf(sha256);
  }

  /** Keeps objects from being removed by this process until the returned function is called. */
  hold(refs: readonly ObjectRef[]): () => void {
    for (const { sha256 } of refs) this.#held.set(sha256, (this.#held.get(sha256) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const { sha256 } of refs) {
        const left = (this.#held.get(sha256) ?? 1) - 1;
        if (left > 0) this.#held.set(sha256, left);
        else this.#held.delete(sha256);
      }
    };
  }

  /** Removes what a killed process left half downloaded. What is younger may be another's that shares the folder. */
  async removeLeftovers(): Promise<void> {
    const folder = this.#incoming;
    for (const name of await readdir(folder).catch(() => [])) {
      const found = await statIfThere(join(folder, name));
      if (found !== null && Date.now() - found.mtimeMs > LEFT_AFTER_MS) await rm(join(folder, name), { force: true });
    }
  }

  get #incoming(): string {
    return join(this.directory, 'incoming');
  }

  async #provide(store: ObjectStore, ref: ObjectRef): Promise<string> {
    const path = this.#pathOf(ref.sha256);
    if (await this.#isVerified(path, ref)) return path;
    try {
      await this.#downloadWithRoom(store, ref, path);
      await this.#mark(path);
      await this.#makeRoom(ref.bytes);
    } catch (error) {
      throw explainDisk(error, this.directory, 'DiskFull');
    }
    return path;
  }

  /** The disk may be smaller than what the cache may hold: then what it could do without makes room. */
  async #downloadWithRoom(store: ObjectStore, ref: ObjectRef, path: string): Promise<void> {
    try {
      await this.#download(store, ref, path);
    } catch (error) {
      if (!isFull(error)) throw error;
      const before = await this.#size();
      if ((await this.#shrink(before - 2 * ref.bytes)) === before) throw error;
      await this.#download(store, ref, path);
    }
  }

  async #download(store: ObjectStore, ref: ObjectRef, path: string): Promise<void> {
    const file = { path, scratch: this.#incoming, createOnly: false, refused: 'DiskFull' } as const;
    // Checked before the rename: no other process ever sees a file whose bytes are others than its name says.
    await writeWhole(file, async (temporary) => {
      if (!(await store.getToFile(keyOf(store, ref.uri), temporary))) throw corrupt(ref, 'is missing');
      const { sha256, bytes } = await hashFile(temporary);
      if (sha256 !== ref.sha256 || bytes !== ref.bytes) throw corrupt(ref, `has ${bytes} bytes of sha256 ${sha256}`);
    });
  }

  /** By its mark; without a fitting one by its bytes, which then get a new mark. */
  async #isVerified(path: string, ref: ObjectRef): Promise<boolean> {
    const found = await fingerprint(path);
    if (found === null) return false;
    if ((await readFile(path + MARK, 'utf8').catch(() => '')) === found) {
      await touch(path + MARK);
      return true;
    }
    const { sha256, bytes } = await hashFile(path);
    if (sha256 !== ref.sha256 || bytes !== ref.bytes) return false;
    await this.#mark(path);
    return true;
  }

  async #mark(path: string): Promise<void> {
    const found = await fingerprint(path);
    if (found !== null) await writeFile(path + MARK, found);
  }

  /** After a download. Looks at the folder only where it may be too full: a look costs as much as it holds objects. */
  async #makeRoom(downloaded: number): Promise<void> {
    const known = this.#estimate;
    if (known !== null) {
      known.bytes += downloaded;
      known.downloads += 1;
      if (known.bytes <= this.#maxBytes && known.downloads < LOOK_EVERY) return;
    }
    this.#estimate = { bytes: await this.#shrink(), downloads: 0 };
  }

  async #size(): Promise<number> {
    return (await this.#list()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Removes what was used longest ago until the rest fits. The mark's time is the time of use. @returns bytes of the rest */
  async #shrink(maxBytes = this.#maxBytes): Promise<number> {
    const kept = await this.#list();
    let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { sha256, bytes } of kept.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= maxBytes) return total;
      if (this.#held.has(sha256)) continue;
      const path = this.#pathOf(sha256);
      await rm(path + MARK, { force: true });
      await rm(path, { force: true });
      total -= bytes;
    }
    return total;
  }

  async #list(): Promise<Kept[]> {
    const folder = join(this.directory, 'objects');
    await mkdir(folder, { recursive: true });
    const names = (await readdir(folder)).filter((name) => !name.endsWith(MARK));
    const kept = await Promise.all(
      names.map(async (sha256) => {
        const path = join(folder, sha256);
        const [file, mark] = await Promise.all([statIfThere(path), statIfThere(path + MARK)]);
        return file === null ? [] : [{ sha256, bytes: file.size, usedMs: (mark ?? file).mtimeMs }];
      }),
    );
    return kept.flat();
  }

  #pathOf(sha256: string): string {
    return join(this.directory, 'objects', sha256);
  }
}

/** Not where the folder may not be written, which is reported alike: removing files helps against no such thing. */
function isFull(error: unknown): boolean {
  const code = codeOf(error instanceof LodestoneError ? error.cause : error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What changes when a file is written or replaced. */
async function fingerprint(path: string): Promise<string | null> {
  const found = await statIfThere(path);
  return found && `${found.size} ${found.mtimeMs} ${found.ino}`;
}

async function statIfThere(path: string): Promise<{ size: number; mtimeMs: number; ino: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined); // another process removed it; then it is downloaded again
}
