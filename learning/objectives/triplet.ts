/**
 * Triplet loss (Rippel et al. 2015, eq. 1), one value per triplet.
 */
import { tf } from '../../engine/tf';

/**
 * l_t = relu( ‖r − r⁺‖² − ‖r − r⁻‖² + α )
 * @param embeddings float32 [3·T, E], triplet by triplet: anchor r, positive r⁺ of its class, negative r⁻ of another
 * @param alpha      α, dimensionless
 * @returns float32 [T], every entry >= 0; the caller disposes it
 */
export function tripletLoss(embeddings: tf.Tensor2D, alpha: number): tf.Tensor1D {
  return tf.tidy(() => {
    const triplets = embeddings.reshape<tf.Tensor3D>([-1, 3, embeddings.shape[1]]);
    const [anchor, positive, negative] = tf.split(triplets, 3, 1); // [T, 1, E] each
    const squaredDistance = (other: tf.Tensor): tf.Tensor => anchor.sub(other).square().sum([1, 2]);
    return squaredDistance(positive).sub(squaredDistance(negative)).add(alpha).relu<tf.Tensor1D>();
  });
}

/** r / ‖r‖, row by row; a row of zeros stays zeros, with a finite gradient. The caller disposes it. */
export function normaliseRows(embeddings: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => embeddings.div(embeddings.square().sum(1, true).add(1e-12).sqrt()));
}
