/**
 * The session that a child keeps warm between works, and the digest of the committed state that it stands for.
 *
 *   B3  The digest is cleared before the first step and set only at a commit; on any mismatch the state is loaded anew.
 */
import { readFile } from 'node:fs/promises';
import { DataSetManifest } from '../../config/artifacts';
import { canonicalJson } from '../../config/canonical-json';
import { parseAtEdge } from '../../config/parse';
import { objectiveOf, type Recipe } from '../../config/recipe';
import { createShardSource, type FetchRecords, type ShardSource } from '../../datasets/shard-source';
import { labelData, type TrainingData } from '../../learning/training-data';
import { TrainingSession, type SessionConfig } from '../../learning/training/session';
import { readState } from './files';
import type { LoadSpec, StateFiles } from './protocol';

export interface Loaded {
  readonly session: TrainingSession;
  readonly data: TrainingData;
  readonly source: ShardSource;
}

export class HeldSession {
  /** @param fetch asked before each read of a shard (P7) */
  constructor(private readonly fetch: FetchRecords) {}

  private key: string | null = null;
  private loaded: Loaded | null = null;
  /** Digest of the committed state that the session is; 'initial' for the first weights; null: none that is known. */
  private digest: string | null = null;

  /** The session in exactly the state asked for, and in the phase that the work needs. */
  async at(load: LoadSpec, from: StateFiles | null, phase: 'warm-start' | 'train'): Promise<Loaded> {
    const key = canonicalJson(load);
    this.loaded?.source.close(); // the host may have put other files in the place of broken ones
    if (this.key !== key || !this.loaded) {
      this.loaded?.session.dispose();
      this.loaded = null;
      this.loaded = await open(load, this.fetch);
      this.key = key;
      this.digest = 'initial';
    }
    const { session } = this.loaded;
    const wanted = from?.digest ?? 'initial';
    const fits = this.digest === wanted && (phase === 'train' || session.position.phase === 'warm-start');
    if (!fits) {
      this.digest = null;
      if (from) session.restore(await readState(from));
      else {
        session.dispose();
        this.loaded = await open(load, this.fetch);
      }
      this.digest = wanted;
    }
    // Beginning to train is a pure function of the warm start: the session still stands for the same digest.
    if (phase === 'train' && this.loaded.session.position.phase === 'warm-start') this.loaded.session.beginTraining();
    return this.loaded;
  }

  changing(): void {
    this.digest = null;
  }

  committed(digest: string): void {
    this.digest = digest;
  }
}

async function open(load: LoadSpec, fetch: FetchRecords): Promise<Loaded> {
  const manifest = parseAtEdge(
    DataSetManifest,
    JSON.parse(await readFile(load.manifest, 'utf8')),
    'data set manifest',
    'ArtifactCorrupt',
  );
  const { label, fineLabel, pairing, trainOn } = load.recipe.data;
  const data = labelData(manifest.records, { label: label ?? '', fineLabel, pairing, trainOn });
  const source = createShardSource(manifest, load.shards, fetch);
  return { session: await TrainingSession.create(sessionConfig(load.recipe), data, source), data, source };
}

function sessionConfig(recipe: Recipe): SessionConfig {
  const { network, optimizer, warmStart, epochs, stepsPerEpoch, annealTo, seed, evaluation, engine } = recipe;
  return {
    network,
    objective: objectiveOf(recipe),
    optimizer,
    warmStart,
    epochs,
    stepsPerEpoch,
    annealTo,
    seed,
    views: evaluation.views,
    kernels: engine.kernels,
    compile: engine.compile,
    precision: engine.precision,
  };
}
