/** Preprocessing: scan, pack the shards in parallel wherever decoders are, assemble the manifest. */
import type { ObjectRef } from '../config/artifacts';
import type { Recipe } from '../config/recipe';
import type { DataSource } from '../config/workflow-input';
import { decoding, pipeline } from './activities';

/** Shards asked for at a time: enough for many decoders, few enough for the history of a large set. */
const SHARDS_IN_FLIGHT = 64;

export interface Preprocessed {
  readonly dataSet: ObjectRef;
  /** The recipe with the labels that the data set made obvious. */
  readonly recipe: Recipe;
}

export async function preprocess(run: string, data: DataSource, recipe: Recipe): Promise<Preprocessed> {
  const { scan, shards, label, fineLabel } = await pipeline.scanData({ run, data, recipe });
  const packed: ObjectRef[] = [];
  for (let start = 0; start < shards; start += SHARDS_IN_FLIGHT) {
    const batch = Array.from({ length: Math.min(SHARDS_IN_FLIGHT, shards - start) }, (_, i) => start + i);
    packed.push(...(await Promise.all(batch.map((shard) => decoding.packShard({ data, recipe, scan, shard })))));
  }
  const dataSet = await pipeline.assembleDataSet({ run, recipe, scan, shards: packed });
  return { dataSet, recipe: { ...recipe, data: { ...recipe.data, label, fineLabel } } };
}
