/** Room on the disk of the stack's state: servers that find none end, or answer nothing, without a word about it. */
import { statfs } from 'node:fs/promises';
import { LodestoneError } from '../../errors';

const LEAST_MB = 64;

/** @throws DiskFull where a Temporal database and the first objects would not fit */
export async function requireRoom(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeMb = Math.floor((bavail * bsize) / 2 ** 20);
  if (freeMb >= LEAST_MB) return;
  throw new LodestoneError(
    'DiskFull',
    `disk of ${folder}: ${freeMb} MB are free, the local stack needs ${LEAST_MB} MB at least and a run more. ` +
      'Free some space, or set LODESTONE_STATE to a folder on another disk.',
    { facts: { freeMb, leastMb: LEAST_MB } },
  );
}
