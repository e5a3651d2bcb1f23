/** Variances of embeddings, summed over dimensions, in float64. */

/**
 * V of soft-kNN: mean squared distance of embeddings to the mean of their class (METHOD §4).
 * @param embeddings float32 [N, E]
 * @param classes int32 [N]; a class number may stand for no row
 */
export function withinClassVariance(embeddings: Float32Array, embeddingSize: number, classes: Int32Array): number {
  const count = classes.length;
  const classCount = classes.reduce((most, id) => Math.max(most, id + 1), 0);
  const means = new Float64Array(classCount * embeddingSize);
  const sizes = new Int32Array(classCount);
  for (let row = 0; row < count; row++) {
    const from = row * embeddingSize;
    const to = classes[row] * embeddingSize;
    for (let e = 0; e < embeddingSize; e++) means[to + e] += embeddings[from + e];
    sizes[classes[row]]++;
  }
  for (let at = 0; at < means.length; at++) means[at] /= sizes[Math.floor(at / embeddingSize)];
  let squares = 0;
  for (let row = 0; row < count; row++) {
    const from = row * embeddingSize;
    const to = classes[row] * embeddingSize;
    for (let e = 0; e < embeddingSize; e++) squares += (embeddings[from + e] - means[to + e]) ** 2;
  }
  return squares / count;
}

/** Share of the embeddings' variance that lies inside classes: 0 where classes are points; 1 where all embeddings are one. */
export function withinClassShare(embeddings: Float32Array, embeddingSize: number, classes: Int32Array): number {
  const total = withinClassVariance(embeddings, embeddingSize, new Int32Array(classes.length));
  return total === 0 ? 1 : withinClassVariance(embeddings, embeddingSize, classes) / total;
}
