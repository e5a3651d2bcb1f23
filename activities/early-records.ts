/**
 * Records that were handed out before their shard was verified, by their digests: when its file is there, they have to be
 * those of the file (P7). A shard that was damaged in the store, and is mended meanwhile, verifies; what was computed of the
 * damaged records must not be committed.
 */
import { open } from 'node:fs/promises';
import { sha256Hex } from '../config/canonical-json';

export class EarlyRecords {
  /** Digests by position, of each shard. */
  private readonly noted = new Map<number, Map<number, string>>();

  constructor(private readonly recordBytes: number) {}

  /** @param records one after the other, in the order of the positions */
  note(shard: number, positions: readonly number[], records: Uint8Array): void {
    const digests = this.noted.get(shard) ?? new Map<number, string>();
    this.noted.set(shard, digests);
    positions.forEach((position, i) => {
      digests.set(position, sha256Hex(records.subarray(i * this.recordBytes, (i + 1) * this.recordBytes)));
    });
  }

  /**
   * Compares those noted so far with the verified file, and those noted meanwhile; there are none left when it returns.
   * @returns whether all are the file's
   */
  async areThoseOf(shard: number, path: string): Promise<boolean> {
    for (let digests = this.take(shard); digests !== null; digests = this.take(shard))
      if (!(await this.isIn(path, digests))) return false;
    return true;
  }

  private take(shard: number): ReadonlyMap<number, string> | null {
    const digests = this.noted.get(shard) ?? null;
    this.noted.delete(shard);
    return digests;
  }

  private async isIn(path: string, digests: ReadonlyMap<number, string>): Promise<boolean> {
    const file = await open(path, 'r');
    try {
      const record = new Uint8Array(this.recordBytes);
      for (const [position, digest] of digests) {
        const { bytesRead } = await file.read(record, 0, record.length, position * record.length);
        if (bytesRead !== record.length || sha256Hex(record) !== digest) return false;
      }
      return true;
    } finally {
      await file.close();
    }
  }
}
