/** Cross-entropy per example, and which examples are wrong. */
import { tf } from '../../../engine/tf';
import { misclassified, softmaxLoss } from '../../../learning/objectives/softmax';

const logits = [2, 0, 0, /* second */ 0, 5, 1];

test('the loss is −log of the own class’s share', () => {
  const losses = tf.tidy(() => [...softmaxLoss(tf.tensor2d(logits, [2, 3]), tf.tensor1d([0, 2], 'int32')).dataSync()]);
  expect(losses[0]).toBeCloseTo(-Math.log(Math.exp(2) / (Math.exp(2) + 2)), 6);
  expect(losses[1]).toBeCloseTo(-Math.log(Math.exp(1) / (1 + Math.exp(5) + Math.exp(1))), 6);
});

test('logits of thousands give finite losses', () => {
  const losses = tf.tidy(() => [
    ...softmaxLoss(tf.tensor2d([5000, -5000], [1, 2]), tf.tensor1d([1], 'int32')).dataSync(),
  ]);
  expect(losses).toEqual([10000]);
});

test('an example is wrong where another class has the largest logit', () => {
  const wrong = tf.tidy(() => [...misclassified(tf.tensor2d(logits, [2, 3]), tf.tensor1d([0, 2], 'int32')).dataSync()]);
  expect(wrong).toEqual([0, 1]);
});
