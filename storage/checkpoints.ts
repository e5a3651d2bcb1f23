/**
 * Checkpoints of one run: committing, reading, and finding where to go on after a loss.
 * Knows manifests, digests and parents. Does not know tensors (learning/) nor retries (activities/).
 *
 *   S2  A checkpoint without its manifest does not exist; one whose bytes are damaged is passed over by name.
 *   S4  Recovery follows parents, never numbers or names alone: `latest` does not exist.
 *   S5  An epoch's record lies under the digest of what the epoch started from; another start is another record.
 *   S6  Weights, slots, loss cache and curve rows are one commit.
 *   S8  What a damaged checkpoint grew from is found by its parents.
 */
import { z } from 'zod';
import { CheckpointManifest, CheckpointRef, phases, type ObjectRef, type Phase } from '../config/artifacts';
import { digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { Blobs } from './blobs';
import { commitManifest, commitWhole, findManifest, manifestDigestOf, readManifest } from './commits';
import { runLayout, type RunLayout } from './run-layout';
import { uriOf, type ObjectStore } from './store';

export interface CheckpointCommit {
  readonly manifest: Omit<CheckpointManifest, 'tensors' | 'curve'>;
  readonly tensorsFile: string;
  readonly curveFile: string;
}

export interface RecoverOptions {
  /** Digest of the index in use; a checkpoint made under another one is on another branch. Left out: any. */
  readonly index?: string | null;
  /** Receives a line for each damaged checkpoint that was passed over. */
  readonly skipped?: string[];
}

export interface EpochRecord {
  /** The checkpoint that ended the epoch, if it is committed and whole. */
  read(): Promise<CheckpointRef | null>;
  /** @returns the checkpoint of the record: where another attempt was first, that one's */
  create(checkpoint: CheckpointRef): Promise<CheckpointRef>;
}

/** Of an epoch's record. */
export const EpochEnd = z.strictObject({ checkpoint: CheckpointRef });

interface Found {
  readonly ref: CheckpointRef;
  readonly manifest: CheckpointManifest;
}

export class CheckpointStore {
  readonly #blobs: Blobs;
  readonly #layout: RunLayout;

  constructor(
    readonly store: ObjectStore,
    run: string,
  ) {
    this.#layout = runLayout(run);
    this.#blobs = new Blobs(store, this.#layout.blobs);
  }

  /** Blobs first, then the manifest, which is the commit (S1). Safe to repeat: the same state is the same object. */
  async commit({ manifest, tensorsFile, curveFile }: CheckpointCommit): Promise<CheckpointRef> {
    const [tensors, curve] = await Promise.all([this.#blobs.putFile(tensorsFile), this.#blobs.putFile(curveFile)]);
    const whole: CheckpointManifest = { ...manifest, tensors, curve };
    const digest = manifestDigestOf(CheckpointManifest, whole);
    const { phase, globalStep } = whole.position;
    const key = this.#layout.checkpoint(phase, globalStep, digest);
    const ref = await commitManifest(this.store, key, CheckpointManifest, whole);
    return { manifest: ref, digest, position: whole.position };
  }

  /** The manifest, verified; also of another run's checkpoint, such as a shared warm start. */
  read(ref: CheckpointRef): Promise<CheckpointManifest> {
    return readManifest(this.store, ref.manifest, CheckpointManifest);
  }

  /** Throws ArtifactCorrupt unless the manifest and both blobs of a checkpoint are there to the last bit. */
  async verify(ref: CheckpointRef): Promise<CheckpointManifest> {
    const manifest = await this.read(ref);
    await this.#blobs.getVerified(manifest.tensors);
    await this.#blobs.getVerified(manifest.curve);
    return manifest;
  }

  /**
   * The highest whole checkpoint inside the phase and epoch whose parents lead to `from` (S4); null: start at `from`.
   * @param from the checkpoint that the workflow passed in; null: the initial weights
   */
  async recover(
    from: CheckpointRef | null,
    phase: Phase,
    epoch: number,
    { index, skipped = [] }: RecoverOptions = {},
  ): Promise<CheckpointRef | null> {
    // What grew from the start has made no fewer steps: the checkpoints of all epochs before it need not be read.
    const startStep = from?.position.phase === phase ? from.position.globalStep : 0;
    const keys = await this.#keysOf(phase, startStep);
    const read = new Map<string, Found | null>();
    const find = async (digest: string): Promise<Found | null> => {
      const known = read.get(digest);
      if (known !== undefined) return known;
      const key = keys.get(digest);
      const found = key === undefined ? null : await this.#candidate(key, digest, skipped);
      read.set(digest, found);
      return found;
    };
    const isOnBranch = ({ manifest }: Found): boolean =>
      manifest.position.phase === phase &&
      manifest.position.epoch === epoch &&
      (index === undefined || manifest.index === index);
    const leadsToStart = async (candidate: Found): Promise<boolean> => {
      const start = from?.digest ?? null;
      for (let at: Found | null = candidate; at !== null && isOnBranch(at);) {
        const parent: string | null = at.manifest.parent;
        if (parent === start) return true;
        at = parent === null ? null : await find(parent);
      }
      return false;
    };

    // The keys come in the order of steps: from the last one down.
    for (const digest of [...keys.keys()].reverse()) {
      const candidate = await find(digest);
      if (candidate === null || !(await leadsToStart(candidate))) continue;
      if (await this.#isWhole(candidate.ref, skipped)) return candidate.ref;
    }
    return null;
  }

  /**
   * The nearest whole checkpoint that a damaged one grew from, by parents (S8).
   * @returns null where the run has none, or where the damage hides the parent
   */
  async lastGood(damaged: CheckpointRef): Promise<CheckpointRef | null> {
    const keys = new Map([...(await this.#keysOf('warm-start')), ...(await this.#keysOf('train'))]);
    let at = await this.#unlessCorrupt([], () => this.read(damaged));
    while (at !== null && at.parent !== null) {
      const key = keys.get(at.parent);
      const parent = key === undefined ? null : await this.#candidate(key, at.parent, []);
      if (parent !== null && (await this.#isWhole(parent.ref, []))) return parent.ref;
      at = parent?.manifest ?? null;
    }
    return null;
  }

  /**
   * What ended an epoch, under the digest of what it started from (S5).
   * @param index digest of the index in use; null: none
   */
  epochRecord(phase: Phase, epoch: number, from: CheckpointRef | null, index: string | null): EpochRecord {
    const key = this.#epochKey(phase, epoch, from?.digest ?? null, index);
    const read = async (): Promise<CheckpointRef | null> => {
      const end = await this.#recordedEnd(key);
      return end !== null && (await this.#isWhole(end, [])) ? end : null;
    };
    const create = async (checkpoint: CheckpointRef): Promise<CheckpointRef> => {
      const isWhole = (end: z.output<typeof EpochEnd>): Promise<boolean> => this.#isWhole(end.checkpoint, []);
      return (await commitWhole(this.store, key, EpochEnd, { checkpoint }, isWhole)).value.checkpoint;
    };
    return { read, create };
  }

  #epochKey(phase: Phase, epoch: number, from: string | null, index: string | null): string {
    return this.#layout.epoch(phase, epoch, digestOf({ checkpoint: from, index }));
  }

  async #recordedEnd(record: string): Promise<CheckpointRef | null> {
    return (await findManifest(this.store, record, EpochEnd))?.value.checkpoint ?? null;
  }

  /**
   * The checkpoints inside epochs whose end is committed and whole. Nobody asks for them again: the epoch's record stands for
   * the epoch (S5), and what comes later grew from its end (S4). Another end of the same epoch is none of them: what grew from it
   * may lie in another run, where the epoch is a warm start that runs share.
   * @param damaged receives a line for each checkpoint that does not say what it is
   */
  async superseded(damaged: string[]): Promise<{ readonly key: string; readonly digest: string }[]> {
    const keys = (await Promise.all(phases.map((phase) => this.#keysOf(phase)))).flatMap((found) => [...found]);
    const recorded = new Map<string, CheckpointRef | null>();
    const isWhole = new Map<string, boolean>();
    const over: { key: string; digest: string }[] = [];
    for (const [digest, key] of keys) {
      const manifest = (await this.#candidate(key, digest, damaged))?.manifest;
      if (manifest === undefined) continue;
      const { position, parent, index } = manifest;
      const record = this.#epochKey(position.phase, position.epoch, parent, index);
      if (!recorded.has(record)) recorded.set(record, await this.#recordedEnd(record));
      const end = recorded.get(record) ?? null;
      if (end === null || end.position.globalStep <= position.globalStep) continue;
      if (!isWhole.has(end.digest)) isWhole.set(end.digest, await this.#isWhole(end, damaged));
      if (isWhole.get(end.digest) === true) over.push({ key, digest });
    }
    return over;
  }

  /** Keys of a phase's checkpoints by digest, in the order of steps, from a global step on. */
  async #keysOf(phase: Phase, fromStep = 0): Promise<Map<string, string>> {
    const keys = new Map<string, string>();
    for await (const key of this.store.list(this.#layout.checkpoints(phase))) {
      const [, step, digest] = /\/(\d+)\/([0-9a-f]{64})\.json$/.exec(key) ?? [];
      if (digest !== undefined && Number(step) >= fromStep) keys.set(digest, key);
    }
    return keys;
  }

  /** The manifest under a key, if its bytes are the ones that the key names. */
  async #candidate(key: string, digest: string, skipped: string[]): Promise<Found | null> {
    const bytes = (await this.store.head(key))?.bytes ?? 0;
    const manifestRef: ObjectRef = { uri: uriOf(this.store, key), sha256: digest, bytes };
    return this.#unlessCorrupt(skipped, async () => {
      const manifest = await readManifest(this.store, manifestRef, CheckpointManifest);
      return { manifest, ref: { manifest: manifestRef, digest, position: manifest.position } };
    });
  }

  async #isWhole(ref: CheckpointRef, skipped: string[]): Promise<boolean> {
    return (await this.#unlessCorrupt(skipped, () => this.verify(ref))) !== null;
  }

  async #unlessCorrupt<T>(skipped: string[], use: () => Promise<T>): Promise<T | null> {
    try {
      return await use();
    } catch (error) {
      if (!(error instanceof LodestoneError) || error.kind !== 'ArtifactCorrupt') throw error;
      skipped.push(error.message);
      return null;
    }
  }
}
