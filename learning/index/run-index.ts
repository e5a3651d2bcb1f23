/**
 * What a refresh leaves for the sampler and the read-outs: everything an objective reads from it (DURABILITY B2).
 * Rows are training examples in the order of TrainingData.train.
 */
export type RunIndex = ClusterIndex | EmbeddingIndex;

export interface ClusterIndex {
  readonly type: 'clusters';
  /** float32 [L, E], centroids μ, clusters of one class next to each other, classes ascending. */
  readonly centroids: Float32Array;
  /** int32 [L], the class of each cluster. */
  readonly clusterClass: Int32Array;
  /** int32 [N], the cluster of each training example. */
  readonly assignments: Int32Array;
  /** Exact σ² of eq. 4: Σ‖r − μ(r)‖² / (N − 1). */
  readonly variance: number;
  readonly embeddingSize: number;
}

export interface EmbeddingIndex {
  readonly type: 'embeddings';
  /** float32 [N, E]. */
  readonly embeddings: Float32Array;
  readonly embeddingSize: number;
}
