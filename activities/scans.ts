/**
 * Scans as a worker reads them. That of a large set has tens of megabytes and is asked for with each of thousands of shards:
 * the last one is kept as it was parsed, so that decoding a set stays linear in its size.
 */
import { ScanManifest, type ObjectRef } from '../config/artifacts';
import type { Scan } from '../datasets/scan';
import { readManifest } from '../storage/commits';
import type { ObjectStore } from '../storage/store';
import { intact } from './data-set';

export class Scans {
  private last: { readonly sha256: string; readonly scan: Promise<Scan> } | null = null;

  constructor(private readonly store: ObjectStore) {}

  /** Throws DataRejected where its bytes are missing or are others; the next call reads them again. */
  read(ref: ObjectRef): Promise<Scan> {
    if (this.last?.sha256 === ref.sha256) return this.last.scan;
    const kept = { sha256: ref.sha256, scan: this.parse(ref) };
    this.last = kept;
    kept.scan.catch(() => {
      if (this.last === kept) this.last = null;
    });
    return kept.scan;
  }

  private parse(ref: ObjectRef): Promise<Scan> {
    return intact(() => readManifest(this.store, ref, ScanManifest));
  }
}
