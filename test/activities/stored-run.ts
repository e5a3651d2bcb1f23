/** A run of two epochs as trainers leave it in a store, ready to be finished. Its weights and indices are words. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FinishRequest } from '../../activities/requests';
import { Evaluation, IndexManifest, type CheckpointRef, type IndexRef, type ObjectRef } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import { Blobs } from '../../storage/blobs';
import { CheckpointStore } from '../../storage/checkpoints';
import { commitManifest } from '../../storage/commits';
import { runLayout } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';
import { exampleRun } from '../report/example';
import { freshFolder } from '../storage/support/temporary-folder';
import { emptyDataSet } from './empty-data-set';

const EPOCHS = 2;
const STEPS = 3;

export async function storedRun(store: ObjectStore, run: string): Promise<FinishRequest> {
  const dataSet = await emptyDataSet(store);
  const warmStart = await checkpointAfter(store, run, 'warm-start', 1, null, null);
  let checkpoint = warmStart;
  let index = await indexOf(store, run, warmStart, null);
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    checkpoint = await checkpointAfter(store, run, 'train', epoch, checkpoint, index);
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
    evaluation: await evaluationOf(store, run, checkpoint, index),
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
      fingerprint: { cpu: 'this one' },
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
): Promise<IndexRef> {
  const layout = runLayout(run);
  const manifest = await commitManifest(store, layout.index(`of-${checkpoint.digest}`), IndexManifest, {
    version: 1,
    type: 'clusters',
    checkpoint: checkpoint.digest,
    previous: previous?.digest ?? null,
    tensors: await new Blobs(store, layout.blobs).putBytes(Buffer.from(`clusters of ${checkpoint.digest}`)),
    variance: 1,
    clusters: 4,
    validationError: 0.25,
    warnings: [],
  });
  return { manifest, digest: manifest.sha256, validationError: 0.25 };
}

function evaluationOf(store: ObjectStore, run: string, checkpoint: CheckpointRef, index: IndexRef): Promise<ObjectRef> {
  return commitManifest(store, runLayout(run).evaluation('of-the-last'), Evaluation, {
    ...exampleRun().evaluation,
    checkpoint: checkpoint.digest,
    index: index.digest,
  });
}
