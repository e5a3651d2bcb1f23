/**
 * The epochs of a run in a bare loop: one process that holds a training session, as a trainer does, and nothing else. Says,
 * for every epoch, how long its steps took and the digest of the state that they led to, by which it is compared with the
 * checkpoint of the product's epoch. Arguments: what to load, and a folder for states, as JSON.
 */
import { HeldSession } from '../../activities/trainer/held-session';
import { writeState } from '../../activities/trainer/files';
import type { LoadSpec } from '../../activities/trainer/protocol';
import { objectiveOf } from '../../config/recipe';
import { buildClusterIndex } from '../../learning/index/cluster';
import type { ClusterIndex } from '../../learning/index/run-index';
import { classesOf } from '../../learning/training-data';
import type { EpochHooks } from '../../learning/training/session';
import { hashFile } from '../../storage/local-file';

/** What it prints of each epoch of the objective. */
export interface BareEpoch {
  readonly epoch: number;
  readonly milliseconds: number;
  /** sha256 of weights, slots, loss cache: that of the checkpoint's tensors. */
  readonly state: string;
}

const { load, folder } = JSON.parse(process.argv[2] ?? '') as { load: LoadSpec; folder: string };

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const hooks: EpochHooks = { onStep: () => undefined, afterStep: macrotask, shouldStop: () => false };

async function main(): Promise<void> {
  const { recipe } = load;
  const objective = objectiveOf(recipe);
  if (objective.type !== 'magnet') throw new Error(`bare loop: got ${objective.type}, must be magnet`);
  const { session, data } = await new HeldSession(() => Promise.resolve(null)).at(load, null, 'warm-start');
  const { embeddingSize } = session;
  const everything = [...data.train, ...data.validation];

  /** As a refresh of the product: validation embeddings too, so that all is embedded in the same batches. */
  const refresh = async (epoch: number, previous: ClusterIndex | null): Promise<ClusterIndex> => {
    const embeddings = await session.embed(everything, macrotask);
    return buildClusterIndex({
      embeddings: embeddings.subarray(0, data.train.length * embeddingSize),
      embeddingSize,
      classes: classesOf(data, data.train, 'trained'),
      classNames: data.classes,
      clustersPerClass: objective.clustersPerClass,
      previous,
      seed: recipe.seed,
      epoch,
    }).index;
  };

  for (let epoch = 1; epoch <= recipe.warmStart.epochs; epoch++) await session.trainEpoch(epoch, null, hooks);
  session.beginTraining();
  let index = await refresh(0, null);
  for (let epoch = 1; epoch <= recipe.epochs; epoch++) {
    const begun = performance.now();
    await session.trainEpoch(epoch, index, hooks);
    const milliseconds = performance.now() - begun;
    const { tensors } = await writeState(folder, epoch, session.capture());
    const { sha256: state } = await hashFile(tensors);
    process.stdout.write(`${JSON.stringify({ epoch, milliseconds, state } satisfies BareEpoch)}\n`);
    if (epoch < recipe.epochs) index = await refresh(epoch, index);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
