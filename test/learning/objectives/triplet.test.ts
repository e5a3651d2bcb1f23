/** Eq. 1 and the normalisation it is used with. */
import { tf } from '../../../engine/tf';
import { normaliseRows, tripletLoss } from '../../../learning/objectives/triplet';

test('eq. 1: a triplet costs what its positive is farther than its negative, plus alpha, and never less than 0', () => {
  const rows = [0, 0, 3, 0, 0, 1, /* second */ 0, 0, 1, 0, 0, 3]; // ‖r − r⁺‖² = 9, 1; ‖r − r⁻‖² = 1, 9
  const losses = tf.tidy(() => [...tripletLoss(tf.tensor2d(rows, [6, 2]), 0.5).dataSync()]);
  expect(losses).toEqual([8.5, 0]);
});

test('a triplet that meets its margin has no gradient; one that does not pulls r⁺ in and pushes r⁻ away', () => {
  const gradient = tf.tidy(() => {
    const sum = (r: tf.Tensor): tf.Scalar => tripletLoss(r as tf.Tensor2D, 0.5).sum();
    return [
      ...tf
        .grad(sum)(tf.tensor2d([0, 0, 3, 0, 0, 1, 0, 0, 1, 0, 0, 3], [6, 2]))
        .dataSync(),
    ];
  });
  expect(gradient.map((value) => value + 0)).toEqual([-6, 2, 6, 0, 0, -2, 0, 0, 0, 0, 0, 0]); // d/dr = 2(r⁻ − r⁺), d/dr⁺ = 2(r⁺ − r), d/dr⁻ = 2(r − r⁻)
});

test('normalised rows have length 1; a row of zeros stays zeros with a finite gradient', () => {
  const [values, gradient] = tf.tidy(() => {
    const x = tf.tensor2d([3, 4, 0, 0], [2, 2]);
    const total = (r: tf.Tensor): tf.Scalar => normaliseRows(r as tf.Tensor2D).sum();
    return [[...normaliseRows(x).dataSync()], [...tf.grad(total)(x).dataSync()]];
  });
  expect(values[0]).toBeCloseTo(0.6, 6);
  expect(values[1]).toBeCloseTo(0.8, 6);
  expect(values.slice(2)).toEqual([0, 0]);
  expect(gradient.every(Number.isFinite)).toBe(true);
});

test('an embedding that is not finite gives a loss that is not finite', () => {
  const losses = tf.tidy(() => [...tripletLoss(tf.tensor2d([NaN, 0, 1, 0, 0, 1], [3, 2]), 1).dataSync()]);
  expect(losses.every(Number.isFinite)).toBe(false);
});
