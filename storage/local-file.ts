/** Files written so that they are there whole or not at all, and the words for a disk that refuses. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/**
 * Writes beside, syncs, renames.
 * @returns false where createOnly found a file already there
 */
export async function writeWhole(file: WholeFile, fill: (temporary: string) => Promise<void>): Promise<boolean> {
  const temporary = join(file.scratch, `${randomUUID()}.part`);
  try {
    await mkdir(file.scratch, { recursive: true });
    await mkdir(dirname(file.path), { recursive: true });
    await fill(temporary);
    await sync(temporary, 'r+');
    if (file.createOnly) {
      if (!(await linked(temporary, file.path))) return false;
    } else {
      await rename(temporary, file.path);
    }
    await sync(dirname(file.path), 'r');
    return true;
  } catch (error) {
    throw explainDisk(error, file.path, file.refused);
  } finally {
    // Where even this fails, a .part stays behind that nothing takes for whole; the first failure is the one to report.
    await rm(temporary, { force: true }).catch(() => undefined);
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

async function sync(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
