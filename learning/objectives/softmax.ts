/**
 * Softmax cross-entropy on a linear head over the embedding, one value per example.
 */
import { tf } from '../../engine/tf';

/**
 * l_n = −log softmax(logits_n)[class_n]
 * @param logits  float32 [N, C]
 * @param classes int32 [N]
 * @returns float32 [N]; the caller disposes it
 */
export function softmaxLoss(logits: tf.Tensor2D, classes: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => {
    const own = tf.oneHot(classes, logits.shape[1]);
    return tf.logSoftmax(logits).mul(own).sum<tf.Tensor1D>(1).neg();
  });
}

/** 1 where another class than the own one has the largest logit; float32 [N]. The caller disposes it. */
export function misclassified(logits: tf.Tensor2D, classes: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => logits.argMax<tf.Tensor1D>(1).notEqual(classes).cast('float32'));
}
