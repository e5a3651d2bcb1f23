/**
 * One image file as scan and packing read it, and what the scan has hashed: packing, which comes after and reads a file again,
 * knows it by its identity as long as nobody wrote it in between (P7).
 */
import { join } from 'node:path';
import { LodestoneError } from '../errors';
import { readWholeFile, type LentFile } from './whole-file';

export type ImageFile = Pick<LentFile, 'bytes' | 'identity'>;

/**
 * Reads one image; a file that cannot be read is the machine's fault, not the picture's, and ends the run.
 * @param use is given the file; once it has settled the memory of its bytes is another file's
 */
export async function withImageFile<R>(
  root: string,
  path: string,
  use: (file: ImageFile) => R | Promise<R>,
  where = path,
): Promise<R> {
  const file = await readWholeFile(join(root, path)).catch((cause: unknown) => {
    throw new LodestoneError(
      'DataRejected',
      `${where}: ${path} cannot be read: ${(cause as Error).message}. Make it readable, or remove it.`,
      { cause },
    );
  });
  try {
    return await use(file);
  } finally {
    file.giveBack();
  }
}

/** A few hundred bytes each. */
const MOST_DIGESTS = 100_000;

/** The sha256 of files by their identity, as the last scans hashed them. Those of the oldest are forgotten. */
export class KnownDigests {
  private readonly byIdentity = new Map<string, string>();

  constructor(private readonly most = MOST_DIGESTS) {}

  /** @param identity as of `readWholeFile`; null: is not noted */
  note(identity: string | null, sha256: string): void {
    if (identity === null) return;
    this.byIdentity.delete(identity); // so that it becomes the youngest
    if (this.byIdentity.size >= this.most) this.byIdentity.delete(this.byIdentity.keys().next().value as string);
    this.byIdentity.set(identity, sha256);
  }

  find(identity: string | null): string | undefined {
    return identity === null ? undefined : this.byIdentity.get(identity);
  }
}
