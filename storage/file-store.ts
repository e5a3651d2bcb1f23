/**
 * Objects as plain files under a folder, for development and tests without a server: the key is the path.
 * One machine only; its objects have uris `file:key`, so that the folder may move.
 */
import { copyFile, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { LodestoneError } from '../errors';
import { codeOf, explainDisk, writeWhole, type Content } from './local-file';
import type { ObjectFacts, ObjectStore } from './store';

/** Unfinished objects; no key can name it. */
const INCOMING = '.incoming';

export class FileStore implements ObjectStore {
  readonly uri = 'file:';

  constructor(readonly folder: string) {}

  async get(key: string): Promise<Uint8Array | null> {
    return this.#ifThere(key, (path) => readFile(path));
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array | null> {
    return this.#ifThere(key, async (path) => {
      const file = await open(path, 'r');
      try {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    });
  }

  async getToFile(key: string, path: string): Promise<boolean> {
    const from = this.#path(key);
    if ((await this.head(key)) === null) return false;
    const scratch = join(path, '..');
    return writeWhole({ path, scratch, createOnly: false, refused: 'DiskFull' }, (temporary) =>
      copyFile(from, temporary),
    );
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#write(key, false, bytes);
  }

  async create(key: string, bytes: Uint8Array): Promise<boolean> {
    return this.#write(key, true, bytes);
  }

  async putFile(key: string, path: string): Promise<void> {
    await this.#write(key, false, (temporary) => copyFile(path, temporary));
  }

  async head(key: string): Promise<ObjectFacts | null> {
    const found = await this.#ifThere(key, (path) => stat(path));
    return found?.isFile() ? { bytes: found.size, modified: found.mtime } : null;
  }

  async *list(prefix: string): AsyncIterable<string> {
    // The folder part of the prefix bounds the walk; the rest filters.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const names = await this.#ifThere(folder, (path) => readdir(path, { recursive: true, withFileTypes: true }), true);
    const keys = (names ?? [])
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(this.folder, sep).length).split(sep).join('/'))
      .filter((key) => key.startsWith(prefix) && !key.startsWith(`${INCOMING}/`));
    yield* keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  async delete(key: string): Promise<void> {
    await this.#ifThere(key, (path) => rm(path, { force: true }));
  }

  #write(key: string, createOnly: boolean, content: Content): Promise<boolean> {
    const scratch = join(this.folder, INCOMING);
    return writeWhole({ path: this.#path(key), scratch, createOnly, refused: 'StoreUnavailable' }, content);
  }

  async #ifThere<T>(key: string, use: (path: string) => Promise<T>, folder = false): Promise<T | null> {
    const path = folder ? join(this.folder, key) : this.#path(key);
    try {
      return await use(path);
    } catch (error) {
      if (['ENOENT', 'EISDIR'].includes(String(codeOf(error)))) return null;
      throw explainDisk(error, path, 'StoreUnavailable');
    }
  }

  #path(key: string): string {
    const parts = key.split('/');
    if (parts.every((part) => part !== '' && !part.startsWith('.') && !part.includes('\0') && !part.includes('\\')))
      return join(this.folder, ...parts);
    throw new LodestoneError(
      'InvalidConfig',
      `key: got ${JSON.stringify(key)}, must be names joined by /, none of them empty or beginning with a dot.`,
    );
  }
}
