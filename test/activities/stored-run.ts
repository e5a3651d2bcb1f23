/**
 * A run of two epochs as trainers leave it in a store, ready to be finished. Its weights and indices are words, the same ones
 * wherever they were made.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FinishRequest } from '../../activities/requests';
import {
  Evaluation,
  IndexManifest,
  type CheckpointManifest,
  type CheckpointRef,
  type Fingerprint,
  type IndexRef,
  type ObjectRef,
} from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import { Blobs } from '../../storage/blobs';
import { CheckpointStore } from '../../storage/checkpoints';
import { commitManifest } from '../../storage/commits';
import { runLayout } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';
import { exampleRun } from '../report/example';
import { freshFolder } from '../storage/support/temporary-folder';
import { emptyDataSet } from './played-data-sets';

const EPOCHS = 2;
const STEPS = 3;
const usual: Fingerprint = { cpu: 'this one' };

type Made = Pick<CheckpointManifest, 'fingerprint' | 'otherFingerprints'>;

/** What was computed on which machine; `null`: what was stored does not say. */
export interface Machines {
  /** Of the end of the first epoch. */
  readonly epoch?: Made;
  /** Of the index that the first epoch used. */
  readonly index?: Fingerprint | null;
  readonly evaluation?: Fingerprint | null;
}

/** @param machines those that are not `{ cpu: 'this one' }` */
export async function storedRun(store: ObjectStore, run: string, machines: Machines = {}): Promise<FinishRequest> {
  const dataSet = await emptyDataSet(store);
  const made = { fingerprint: usual };
  const warmStart = await checkpointAfter(store, run, 'warm-start', 1, null, null, made);
  let checkpoint = warmStart;
  let index = await indexOf(store, run, warmStart, null, machines.index);
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    const on = (epoch === 1 ? machines.epoch : undefined) ?? made;
    checkpoint = await checkpointAfter(store, run, 'train', epoch, checkpoint, index, on);
    index = await indexOf(store, run, checkpoint, index);
  }
  return {
    run,
    recipe: Recipe.parse({ epochs: EPOCHS }),
    threads: 1,
    dataSet,
    status: 'finished',
    epochs: EPOCHS,
    configuration: 'c'.repeat(64),
    checkpoint,
    index,
    evaluation: await evaluationOf(store, run, checkpoint, index, machines.evaluation),
    validationErrors: [0.5, 0.4, 0.3],
    data: { type: 'folder', path: '/images' },
    warmStart,
  };
}

async function checkpointAfter(
  store: ObjectStore,
  run: string,
  phase: 'warm-start' | 'train',
  epoch: number,
  from: CheckpointRef | null,
  index: IndexRef | null,
  made: Made,
): Promise<CheckpointRef> {
  const folder = await freshFolder();
  const [tensorsFile, curveFile] = [join(folder, 'tensors'), join(folder, 'curve')];
  const rows = Array.from({ length: STEPS }, (_, i) => ({
    step: (epoch - 1) * STEPS + i + 1,
    epoch,
    loss: 1 / (i + epoch),
    error: 0.5,
    variance: null,
  }));
  await writeFile(tensorsFile, `weights after epoch ${epoch} of ${phase}`);
  await writeFile(curveFile, JSON.stringify(rows));
  const position = { phase, epoch, step: STEPS, globalStep: epoch * STEPS };
  return new CheckpointStore(store, run).commit({
    manifest: {
      version: 1,
      position,
      parent: from?.digest ?? null,
      index: index?.digest ?? null,
      seed: 1,
      ...made,
    },
    tensorsFile,
    curveFile,
  });
}

async function indexOf(
  store: ObjectStore,
  run: string,
  checkpoint: CheckpointRef,
  previous: IndexRef | null,
  fingerprint: Fingerprint | null = usual,
): Promise<IndexRef> {
  const layout = runLayout(run);
  const manifest = await commitManifest(store, layout.index(`of-${checkpoint.digest}`), IndexManifest, {
    version: 1,
    type: 'clusters',
    checkpoint: checkpoint.digest,
    previous: previous?.digest ?? null,
    tensors: await new Blobs(store, layout.blobs).putBytes(
      Buffer.from(`clusters after ${checkpoint.position.globalStep} steps`),
    ),
    variance: 1,
    clusters: 4,
    validationError: 0.25,
    warnings: [],
    ...(fingerprint && { fingerprint }),
  });
  return { manifest, digest: manifest.sha256, validationError: 0.25 };
}

function evaluationOf(
  store: ObjectStore,
  run: string,
  checkpoint: CheckpointRef,
  index: IndexRef,
  fingerprint: Fingerprint | null = usual,
): Promise<ObjectRef> {
  return commitManifest(store, runLayout(run).evaluation('of-the-last'), Evaluation, {
    ...exampleRun().evaluation,
    checkpoint: checkpoint.digest,
    index: index.digest,
    ...(fingerprint && { fingerprint }),
  });
}
