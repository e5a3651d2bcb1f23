/**
 * One image file as scan and packing read it. The scan hashes it; packing, which comes after and reads it again, finds what it
 * holds by its identity, as long as nobody wrote it in between (P7).
 */
import { join } from 'node:path';
import { sha256Hex } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { readWholeFile } from './whole-file';

export interface ImageFile {
  readonly bytes: Uint8Array;
  /** Of its bytes, in hexadecimal. */
  readonly sha256: () => string;
}

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
  const { bytes, identity, giveBack } = await readWholeFile(join(root, path)).catch((cause: unknown) => {
    throw new LodestoneError(
      'DataRejected',
      `${where}: ${path} cannot be read: ${(cause as Error).message}. Make it readable, or remove it.`,
      { cause },
    );
  });
  try {
    return await use({ bytes, sha256: () => digests.of(bytes, identity) });
  } finally {
    giveBack();
  }
}

/** A few hundred bytes each. */
const MOST_DIGESTS = 100_000;

/** The sha256 of files by their identity, the oldest of which are forgotten. */
export class KnownDigests {
  private readonly byIdentity = new Map<string, string>();

  constructor(private readonly most = MOST_DIGESTS) {}

  /** @param identity as of `readWholeFile`; null: the bytes are hashed */
  of(bytes: Uint8Array, identity: string | null): string {
    if (identity === null) return sha256Hex(bytes);
    const known = this.byIdentity.get(identity);
    if (known !== undefined) return known;
    const sha256 = sha256Hex(bytes);
    if (this.byIdentity.size >= this.most) this.byIdentity.delete(this.byIdentity.keys().next().value as string);
    this.byIdentity.set(identity, sha256);
    return sha256;
  }
}

const digests = new KnownDigests();
