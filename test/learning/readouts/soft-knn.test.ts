import { nearestNeighbours } from '../../../learning/readouts/neighbours';
import { chooseSoftKnn, type SoftKnnSpace } from '../../../learning/readouts/soft-knn';
import { withinClassShare, withinClassVariance } from '../../../learning/readouts/variance';
import { singleBallots } from '../../../learning/readouts/votes';

/** Training examples on a line: one of class 0 at 1, three of class 1 at 2; a query at 0. */
function spaceOf(normalised: boolean, query: number): SoftKnnSpace {
  const validation = nearestNeighbours({
    queries: Float32Array.of(query),
    references: Float32Array.of(1, 2, 2, 2),
    embeddingSize: 1,
    count: 4,
    productMiB: 64,
  });
  return { normalised, variance: 1, validation };
}

const ballots = singleBallots(Int32Array.of(0, 1, 1, 1), 2);

test('the temperature with the lowest error on validation is chosen', () => {
  // τ = 10: three distant votes win; τ = 1/16: the nearest wins
  const spaces = [spaceOf(false, 0)];
  expect(chooseSoftKnn(spaces, [10, 0.0625], ballots, Int32Array.of(0)).temperature).toBe(0.0625);
  expect(chooseSoftKnn(spaces, [0.0625, 10], ballots, Int32Array.of(1)).temperature).toBe(10);
});

test('the space with the lowest error is chosen; of equals the first space and its first temperature', () => {
  const spaces = [spaceOf(false, 0), spaceOf(true, 3)];
  expect(chooseSoftKnn(spaces, [0.0625], ballots, Int32Array.of(1))).toEqual({ normalised: true, temperature: 0.0625 });
  expect(chooseSoftKnn([spaceOf(false, 3), spaceOf(true, 3)], [1, 0.5], ballots, Int32Array.of(1))).toEqual({
    normalised: false,
    temperature: 1,
  });
});

test('V is the mean squared distance to the mean of the class, by hand', () => {
  const embeddings = Float32Array.of(0, 0, 2, 0, 5, 1, 5, 5); // class 0: mean (1, 0); class 2: mean (5, 3)
  const classes = Int32Array.of(0, 0, 2, 2);
  expect(withinClassVariance(embeddings, 2, classes)).toBe((1 + 1 + 4 + 4) / 4);
});

test('the share within classes is 0 for points, 1 where classes say nothing', () => {
  expect(withinClassShare(Float32Array.of(0, 0, 4, 4), 1, Int32Array.of(0, 0, 1, 1))).toBe(0);
  expect(withinClassShare(Float32Array.of(0, 4, 0, 4), 1, Int32Array.of(0, 0, 1, 1))).toBe(1);
  expect(withinClassShare(Float32Array.of(3, 3), 1, Int32Array.of(0, 1))).toBe(1);
});
