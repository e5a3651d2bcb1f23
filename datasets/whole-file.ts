/**
 * Reads small files by the thousand. `readFile` of Node hands each of four calls to its pool of threads, which decoding needs:
 * here the file is opened and read there, what lasts microseconds once it is open is done on the spot.
 */
import { closeSync, fstatSync, open, read, type BigIntStats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { LentMemory } from './lent-memory';

const opened = promisify(open);
const readOnce = promisify(read);

/** What one call reads at most; Node reads or refuses what is larger. */
const MOST_BYTES = 2 ** 31 - 1;
/** The coarsest clock of a file system: within it, a second write may leave the times of the first. */
const CLOCK_MS = 2000;

const memory = new LentMemory();

export interface LentFile {
  readonly bytes: Uint8Array;
  /**
   * Names these bytes as long as they are in that file: device, inode, size and times, of which no program sets that of the last
   * change. Null where another write might leave it as it is: the file changed while it was read or just before, or does not
   * tell its size. Not seen are stores into a file that is mapped into memory, and writes where times are not to be relied on:
   * from another host while the file is read, or on a file system without a time of the last change.
   */
  readonly identity: string | null;
  /** From here on its memory is another file's. */
  readonly giveBack: () => void;
}

/**
 * @returns its bytes, up to the size that it had when it was opened. Throws as Node does.
 * @param clock in milliseconds since 1970
 */
export async function readWholeFile(path: string, clock = Date.now): Promise<LentFile> {
  const file = await opened(path, 'r');
  try {
    const begunMs = clock();
    const found = fstatSync(file, { bigint: true });
    const size = Number(found.size);
    if (size > 0 && size <= MOST_BYTES) {
      const whole = memory.borrow(size);
      const bytes = await readInto(file, whole.subarray(0, size));
      const identity = identityOf(found);
      const isSettled = begunMs - lastChangeMs(found) > CLOCK_MS;
      const isSame = bytes.length === size && identity === identityOf(fstatSync(file, { bigint: true }));
      return { bytes, identity: isSettled && isSame ? identity : null, giveBack: () => memory.giveBack(whole) };
    }
  } finally {
    closeSync(file);
  }
  const bytes = await readFile(path); // a size of 0 may be no size: some file systems do not tell
  return { bytes, identity: null, giveBack: () => undefined };
}

function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function lastChangeMs({ mtimeMs, ctimeMs }: BigIntStats): number {
  return Math.max(Number(mtimeMs), Number(ctimeMs));
}

async function readInto(file: number, bytes: Buffer): Promise<Uint8Array> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await readOnce(file, bytes, done, bytes.length - done, done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
