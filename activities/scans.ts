/**
 * Scans as a worker reads them. That of a large set has tens of megabytes and is asked for with each of thousands of shards:
 * the last one is kept as it was parsed, so that decoding a set stays linear in its size.
 */
import { ScanManifest, type ObjectRef } from '../config/artifacts';
import { parseAtEdge } from '../config/parse';
import type { Scan } from '../datasets/scan';
import { getVerified } from '../storage/blobs';
import type { ObjectStore } from '../storage/store';

export class Scans {
  private last: { readonly sha256: string; readonly scan: Promise<Scan> } | null = null;

  constructor(private readonly store: ObjectStore) {}

  /** Throws ArtifactCorrupt where its bytes are missing or are others; the next call reads them again. */
  read(ref: ObjectRef): Promise<Scan> {
    if (this.last?.sha256 === ref.sha256) return this.last.scan;
    const kept = { sha256: ref.sha256, scan: this.parse(ref) };
    this.last = kept;
    kept.scan.catch(() => {
      if (this.last === kept) this.last = null;
    });
    return kept.scan;
  }

  private async parse(ref: ObjectRef): Promise<Scan> {
    const bytes = await getVerified(this.store, ref);
    return parseAtEdge(ScanManifest, JSON.parse(Buffer.from(bytes).toString('utf8')), 'scan', 'ArtifactCorrupt');
  }
}
