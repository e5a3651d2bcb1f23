/** Files written so that they are there whole or not at all, and the words for a disk that refuses. */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, createReadStream, fsync, open, write } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { LodestoneError, type FailureKind } from '../errors';

export interface WholeFile {
  readonly path: string;
  /** Where the unfinished file lies; on the same disk as `path`. */
  readonly scratch: string;
  /** Keep what is there already. */
  readonly createOnly: boolean;
  /** What a full or refusing disk is reported as. */
  readonly refused: FailureKind;
}

/** The bytes, or who writes the unfinished file. */
export type Content = Uint8Array | ((temporary: string) => Promise<void>);

/**
 * Writes beside, syncs, renames. Takes as few calls as that needs: each waits for a thread behind images that are decoded.
 * @returns false where createOnly found a file already there
 */
export async function writeWhole(file: WholeFile, content: Content): Promise<boolean> {
  const temporary = join(file.scratch, `${randomUUID()}.part`);
  const folder = dirname(file.path);
  let isLeft = true;
  try {
    if (typeof content === 'function') {
      await mkdir(file.scratch, { recursive: true });
      await content(temporary);
      await withFile(temporary, 'r+', flushed);
    } else {
      const writeNew = (): Promise<void> => withFile(temporary, 'wx', (descriptor) => writeBytes(descriptor, content));
      await inFolder(file.scratch, writeNew);
    }
    if (file.createOnly) {
      if (!(await inFolder(folder, () => linked(temporary, file.path)))) return false;
    } else {
      await inFolder(folder, () => rename(temporary, file.path));
      isLeft = false;
    }
    await withFile(folder, 'r', flushed);
    return true;
  } catch (error) {
    throw explainDisk(error, file.path, file.refused);
  } finally {
    // Where even this fails, a .part stays behind that nothing takes for whole; the first failure is the one to report.
    if (isLeft) await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Turns what a disk says into a LodestoneError; anything else is returned as it is. */
export function explainDisk(error: unknown, path: string, refused: FailureKind): unknown {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG': // a file longer than this process may write
      return new LodestoneError(
        'DiskFull',
        `${path}: there is no space left on its disk. Free some, or choose another folder; nothing half-written remains.`,
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EIO':
      return new LodestoneError(
        refused,
        `${path}: ${String(codeOf(error))}, must be a place where this user may read and write. Mend the folder, or choose another.`,
        { cause: error },
      );
    default:
      return error;
  }
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

export async function hashFile(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Makes the folder where it is missing: for all but the first file it is there. */
async function inFolder<R>(folder: string, use: () => Promise<R>): Promise<R> {
  try {
    return await use();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true });
    return use();
  }
}

const opened = promisify(open);
const flushed = promisify(fsync);
const written = promisify(write);

async function withFile(path: string, flags: string, use: (descriptor: number) => Promise<void>): Promise<void> {
  const descriptor = await opened(path, flags);
  try {
    await use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** At once: Node's own writeFile makes a call of every half megabyte. */
async function writeBytes(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await written(descriptor, bytes, done)).bytesWritten;
  await flushed(descriptor);
}
