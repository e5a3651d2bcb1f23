/**
 * A run's committed records, read back for results and reports: its chain of checkpoints, its curve, its indices, its
 * evaluation, and the environments that they were computed in.
 */
import {
  CheckpointManifest,
  Evaluation,
  IndexManifest,
  type CheckpointRef,
  type CurveRow,
  type Fingerprint,
  type ObjectRef,
  type Phase,
} from '../config/artifacts';
import { digestOf } from '../config/canonical-json';
import { LodestoneError } from '../errors';
import { getVerified, REMEDY } from '../storage/blobs';
import { findManifest, readManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import { keyOf, uriOf, type ObjectStore } from '../storage/store';
import { parseCurve } from './curve';

export interface CurvePoint extends CurveRow {
  readonly phase: Phase;
}

/** The checkpoints that ended each epoch, from the first of the warm start to the given one (S4: by parents). */
export async function chainTo(
  store: ObjectStore,
  last: CheckpointRef,
  warmStart: CheckpointRef,
): Promise<CheckpointManifest[]> {
  const keys = new Map<string, string>();
  for (const prefix of new Set([folderOf(store, last), folderOf(store, warmStart)])) {
    for await (const key of store.list(prefix)) {
      const digest = /\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
      if (digest !== undefined) keys.set(digest, key);
    }
  }
  const chain: CheckpointManifest[] = [];
  for (let digest: string | null = last.digest; digest !== null;) {
    const key = keys.get(digest);
    if (key === undefined)
      throw new LodestoneError(
        'ArtifactCorrupt',
        `checkpoint ${digest}: is missing, a later one names it as its parent. ${REMEDY}`,
      );
    const ref: ObjectRef = { uri: uriOf(store, key), sha256: digest, bytes: (await store.head(key))?.bytes ?? 0 };
    const manifest: CheckpointManifest = await readManifest(store, ref, CheckpointManifest);
    chain.push(manifest);
    digest = manifest.parent;
  }
  return chain.reverse();
}

/** The curve of a chain: every applied step once, in order. */
export async function curveOf(store: ObjectStore, chain: readonly CheckpointManifest[]): Promise<CurvePoint[]> {
  const points: CurvePoint[] = [];
  for (const { curve, position } of chain) {
    const rows = parseCurve(Buffer.from(await getVerified(store, curve)).toString('utf8'));
    points.push(...rows.map((row) => ({ ...row, phase: position.phase })));
  }
  return points;
}

export function evaluationAt(store: ObjectStore, ref: ObjectRef): Promise<Evaluation> {
  return readManifest(store, ref, Evaluation);
}

/** The indices of a run by digest: those that are whole. */
export async function indicesOf(store: ObjectStore, run: string): Promise<Map<string, IndexManifest>> {
  const indices = new Map<string, IndexManifest>();
  for await (const key of store.list(runLayout(run).indices)) {
    const found = await findManifest(store, key, IndexManifest);
    if (found) indices.set(found.ref.sha256, found.value);
  }
  return indices;
}

/** The fingerprints that a checkpoint's epoch was made under so far, its own first. */
export function fingerprintsOf({ fingerprint, otherFingerprints = [] }: CheckpointManifest): Fingerprint[] {
  return [fingerprint, ...otherFingerprints];
}

/**
 * Whether all that a result rests on was computed in one environment: every step of its chain, the indices that were in
 * use, the evaluation. What does not say where it was made (an earlier version's) is not asked.
 * @param indices by digest, those in use among them
 */
export function isOfOneEnvironment(
  chain: readonly CheckpointManifest[],
  indices: ReadonlyMap<string, IndexManifest>,
  evaluation: Evaluation,
): boolean {
  const inUse = [...chain.map(({ index }) => index), evaluation.index];
  const embedded = [...inUse.map((digest) => indices.get(digest ?? '')), evaluation];
  const said = [...chain.flatMap(fingerprintsOf), ...embedded.map((one) => one?.fingerprint)];
  return new Set(said.filter((one) => one !== undefined).map(digestOf)).size <= 1;
}

/** `runs/<run>/<phase>/`, wherever the run is. */
function folderOf(store: ObjectStore, { manifest }: CheckpointRef): string {
  return keyOf(store, manifest.uri).replace(/[^/]+\/[^/]+$/, '');
}
