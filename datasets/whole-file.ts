/**
 * Reads small files by the thousand. `readFile` of Node hands each of four calls to its pool of threads, which decoding needs:
 * here the file is opened and read there, what lasts microseconds once it is open is done on the spot.
 */
import { closeSync, fstatSync, open, read } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { LentMemory } from './lent-memory';

const opened = promisify(open);
const readOnce = promisify(read);

/** What one call reads at most; Node reads or refuses what is larger. */
const MOST_BYTES = 2 ** 31 - 1;

const memory = new LentMemory();

export interface LentFile {
  readonly bytes: Uint8Array;
  /** From here on its memory is another file's. */
  readonly giveBack: () => void;
}

/** @returns its bytes, up to the size that it had when it was opened. Throws as Node does. */
export async function readWholeFile(path: string): Promise<LentFile> {
  const file = await opened(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > 0 && size <= MOST_BYTES) {
      const whole = memory.borrow(size);
      const bytes = await readInto(file, whole.subarray(0, size));
      return { bytes, giveBack: () => memory.giveBack(whole) };
    }
  } finally {
    closeSync(file);
  }
  return { bytes: await readFile(path), giveBack: () => undefined }; // a size of 0 may be no size: some file systems do not tell
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
