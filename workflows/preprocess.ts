/** Preprocessing: scan, pack the shards in parallel wherever decoders are, assemble the manifest. */
import type { ObjectRef } from '../config/artifacts';
import type { Recipe } from '../config/recipe';
import type { DataSource } from '../config/workflow-input';
import { decoding, pipeline } from './activities';

/** Shards asked for at a time: enough for many decoders, and for each of them another one as soon as one is done. */
const SHARDS_IN_FLIGHT = 64;

export interface Preprocessed {
  readonly dataSet: ObjectRef;
  /** The recipe with the labels that the data set made obvious. */
  readonly recipe: Recipe;
}

export async function preprocess(run: string, data: DataSource, recipe: Recipe): Promise<Preprocessed> {
  const { scan, shards, label, fineLabel } = await pipeline.scanData({ run, data, recipe });
  const packed: ObjectRef[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < shards) {
      const shard = next++;
      packed[shard] = await decoding.packShard({ data, recipe, scan, shard });
    }
  };
  await Promise.all(Array.from({ length: SHARDS_IN_FLIGHT }, lane));
  const dataSet = await pipeline.assembleDataSet({ run, recipe, scan, shards: packed });
  return { dataSet, recipe: { ...recipe, data: { ...recipe.data, label, fineLabel } } };
}
