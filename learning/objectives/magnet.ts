/**
 * Magnet loss (Rippel et al. 2015): of a mini-batch by its own cluster means (eq. 5), and exact, by the centroids of an
 * index (eq. 4). Pure functions of tensors, one value per example, no reduction.
 */
import { tf } from '../../engine/tf';

/** What the score of a cluster of the own class becomes: below every other, finite so that no row turns NaN. */
const MASKED = -1e30;

export interface MagnetOptions {
  /** α, the margin, dimensionless. */
  readonly alpha: number;
  /** g, multiplies both exponents; 1 is the paper's equation. */
  readonly globalScaling: number;
}

export interface MagnetLoss {
  /** float32 [N] in row order, every entry >= 0; the caller disposes it. */
  readonly losses: tf.Tensor1D;
  /** σ², a scalar; the caller disposes it. */
  readonly variance: tf.Scalar;
}

/**
 * Eq. 5, with g:
 *   l_n = relu( g‖r_n − μ(r_n)‖²/2σ² + α + log Σ_{μ of other classes} exp(−g‖r_n − μ‖²/2σ²) )
 * μ: the batch's own cluster means; σ²: their pooled variance, Σ‖r − μ(r)‖² / (MD − 1). Gradients flow through both.
 * @param embeddings   r, float32 [M·D, E], rows cluster by cluster, D >= 2
 * @param clusterClass int32 [M], the class of each cluster; two distinct classes at least
 */
export function magnetLoss(
  embeddings: tf.Tensor2D,
  clusterClass: tf.Tensor1D,
  { alpha, globalScaling }: MagnetOptions,
): MagnetLoss {
  return tf.tidy(() => {
    const M = clusterClass.size;
    const D = embeddings.shape[0] / M;
    const means = embeddings.reshape([M, D, -1]).mean<tf.Tensor2D>(1); // [M, E]
    const distances = squaredDistances(embeddings, means); // [M·D, M]
    const ownCluster = repeatRows(tf.eye(M), D); // [M·D, M], 0 or 1
    const ownClass = repeatRows(equalPairs(clusterClass, clusterClass), D); // [M·D, M], boolean
    const toOwn = distances.mul(ownCluster).sum<tf.Tensor1D>(1); // [M·D]
    const variance = toOwn.sum<tf.Scalar>().div<tf.Scalar>(M * D - 1);
    return { losses: hinge({ distances, toOwn, ownClass, variance }, alpha, globalScaling), variance };
  });
}

/**
 * Eq. 4, with g: the same over centroids of an index and the embeddings assigned to them.
 * @param embeddings   r, float32 [N, E]
 * @param centroids    μ, float32 [L, E]
 * @param clusterClass int32 [L], the class of each cluster; two distinct classes at least
 * @param assignments  int32 [N], the cluster of each example
 */
export function exactMagnetLoss(
  embeddings: tf.Tensor2D,
  centroids: tf.Tensor2D,
  clusterClass: tf.Tensor1D,
  assignments: tf.Tensor1D,
  { alpha, globalScaling }: MagnetOptions,
): MagnetLoss {
  return tf.tidy(() => {
    const [N, L] = [embeddings.shape[0], centroids.shape[0]];
    const distances = squaredDistances(embeddings, centroids); // [N, L]
    const toOwn = distances.mul(tf.oneHot(assignments, L)).sum<tf.Tensor1D>(1); // [N]
    const ownClass = equalPairs(clusterClass.gather(assignments), clusterClass); // [N, L]
    const variance = toOwn.sum<tf.Scalar>().div<tf.Scalar>(N - 1);
    return { losses: hinge({ distances, toOwn, ownClass, variance }, alpha, globalScaling), variance };
  });
}

interface Distances {
  /** [N, M], of every example to every cluster. */
  readonly distances: tf.Tensor2D;
  /** [N], to the own cluster. */
  readonly toOwn: tf.Tensor1D;
  /** boolean [N, M], whether the cluster is of the example's class. */
  readonly ownClass: tf.Tensor;
  readonly variance: tf.Scalar;
}

/**
 * The first exponent is moved into the sum: log Σ exp((‖r − μ(r)‖² − ‖r − μ‖²)·g/2σ²) + α. One addition less, which a
 * compiled step would put in another order, with other bits.
 */
function hinge({ distances, toOwn, ownClass, variance }: Distances, alpha: number, globalScaling: number): tf.Tensor1D {
  const width = variance.mul(2 / globalScaling); // 2σ²/g: σ², not σ⁴, or the loss depends on the scale of embeddings
  const closer = toOwn.expandDims(1).sub(distances).div(width); // [N, M]
  const impostors = tf.where(ownClass, tf.fill(distances.shape, MASKED), closer);
  // Log-sum-exp, never log(a / b): the ratio underflows once clusters separate.
  return impostors.logSumExp(1).add(alpha).relu<tf.Tensor1D>();
}

/** ‖a_i − b_j‖², float32 [A, B], by differences: the form with products cancels where clusters are far from 0. */
function squaredDistances(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  return a.expandDims(1).sub(b.expandDims(0)).square().sum<tf.Tensor2D>(2);
}

/** boolean [A, B]: a_i = b_j. */
function equalPairs(a: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  return tf.equal(a.reshape([-1, 1]), b.reshape([1, -1]));
}

/** [M, M] to [M·D, M]: each row D times. */
function repeatRows(matrix: tf.Tensor2D, D: number): tf.Tensor {
  const [M, columns] = matrix.shape;
  return matrix
    .reshape([M, 1, columns])
    .tile([1, D, 1])
    .reshape([M * D, columns]);
}
