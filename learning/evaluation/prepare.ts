/**
 * What all read-outs share: clusters, and one search per space (embeddings as they are, and L2-normalised) of the validation
 * and test embeddings among the training embeddings.
 */
import type { Objective } from '../../config/objective';
import type { EvaluationRequest } from '../evaluation';
import { buildClusterIndex, loweredWarnings } from '../index/cluster';
import type { ClusterIndex } from '../index/run-index';
import { queriesBetween, searchNeighbours, unitRows, type Neighbours } from '../readouts/neighbours';
import { withinClassVariance } from '../readouts/variance';
import { classesOf } from '../training-data';

export type Split = 'validation' | 'test';

export interface Space {
  /** How the read-out's setting calls it. Triplet's embeddings may be of length 1 as they are. */
  readonly normalised: boolean;
  /** V, within trained classes. */
  readonly variance: number;
  nearest(split: Split): Neighbours;
}

export interface Prepared {
  /** float32 [train, E] */
  readonly train: Float32Array;
  /** The run's own clusters, or fitted here where the objective has none. */
  readonly clusters: ClusterIndex;
  /** Embeddings as they are first. */
  readonly spaces: readonly Space[];
  readonly warnings: readonly string[];
  /** float32 [split, E] */
  rowsOf(split: Split): Float32Array;
  /** Among training embeddings as they are; at least as many as voters and examples shown, where there are. */
  nearest(split: Split): Neighbours;
}

/** Neighbours that the page of examples shows. */
export const NEIGHBOURS_SHOWN = 5;

export async function prepare(
  request: EvaluationRequest,
  advance: (queries: number) => Promise<void>,
): Promise<Prepared> {
  const { data, objective, evaluation, embeddings, embeddingSize } = request;
  const train = gather(embeddings, embeddingSize, data.train);
  const asked = gather(embeddings, embeddingSize, [...data.validation, ...data.test]);
  const trainClasses = classesOf(data, data.train, 'trained');
  const { clusters, warnings } = clustersOf(request, train, trainClasses);
  const border = data.validation.length;
  const between = (split: Split): [begin: number, end: number] =>
    split === 'validation' ? [0, border] : [border, border + data.test.length];

  const { productMiB } = evaluation;
  const count = Math.max(evaluation.neighbours, NEIGHBOURS_SHOWN);
  const spaceOf = async (normalised: boolean, references: Float32Array, queries: Float32Array): Promise<Space> => {
    const found = await searchNeighbours({ queries, references, embeddingSize, count, productMiB }, advance);
    return {
      normalised,
      variance: withinClassVariance(references, embeddingSize, trainClasses),
      nearest: (split) => queriesBetween(found, ...between(split)),
    };
  };
  const areUnit = hasUnitEmbeddings(objective);
  const asTheyAre = await spaceOf(areUnit, train, asked);
  const spaces = areUnit
    ? [asTheyAre]
    : [asTheyAre, await spaceOf(true, unitRows(train, embeddingSize), unitRows(asked, embeddingSize))];
  return {
    train,
    clusters,
    spaces,
    warnings,
    rowsOf: (split) => {
      const [begin, end] = between(split);
      return asked.subarray(begin * embeddingSize, end * embeddingSize);
    },
    nearest: (split) => asTheyAre.nearest(split),
  };
}

/** 2σ² of eq. 6: σ² is the running average of σ̂², or the exact one of the index where there is none (METHOD §4). */
export function kncScale({ variance }: ClusterIndex, runningVariance: number | null): number {
  return 2 * (runningVariance ?? variance);
}

/** K of a run's own clusters, or of those fitted for its kNC read-outs. */
export function clustersPerClassOf({ objective, evaluation }: EvaluationRequest): number {
  return objective.type === 'magnet' ? objective.clustersPerClass : evaluation.clustersPerClass;
}

function clustersOf(
  request: EvaluationRequest,
  train: Float32Array,
  classes: Int32Array,
): { clusters: ClusterIndex; warnings: readonly string[] } {
  const { data, index, embeddingSize, seed } = request;
  const asked = { classes, classNames: data.classes, clustersPerClass: clustersPerClassOf(request) };
  if (index.type === 'clusters') return { clusters: index, warnings: loweredWarnings(asked) };
  const { index: clusters, warnings } = buildClusterIndex({
    ...asked,
    embeddings: train,
    embeddingSize,
    previous: null,
    seed,
    epoch: 0,
  });
  return { clusters, warnings };
}

function hasUnitEmbeddings(objective: Objective): boolean {
  return objective.type === 'triplet' && objective.normalise;
}

function gather(embeddings: Float32Array, embeddingSize: number, examples: readonly number[]): Float32Array {
  const rows = new Float32Array(examples.length * embeddingSize);
  examples.forEach((example, row) => {
    rows.set(embeddings.subarray(example * embeddingSize, (example + 1) * embeddingSize), row * embeddingSize);
  });
  return rows;
}
