import { givenScores, outcomeOf } from '../../../learning/readouts/scores';

const NONE = Number.NEGATIVE_INFINITY;

function ratesOf(table: readonly (readonly number[])[], truth: readonly number[]): ReturnType<typeof outcomeOf> {
  return outcomeOf(givenScores(Float32Array.from(table.flat()), table[0].length), Int32Array.from(truth));
}

test('an example is right at 1 where no class scores higher, and at 5 where fewer than five do', () => {
  const descending = [6, 5, 4, 3, 2, 1, 0];
  const { error1, error5, predicted } = ratesOf([descending, descending, descending, descending], [0, 1, 4, 5]);
  expect(error1).toBe(3 / 4);
  expect(error5).toBe(1 / 4);
  expect([...predicted]).toEqual([0, 0, 0, 0]);
});

test('of equal scores the lower class number comes first', () => {
  const { error1, predicted } = ratesOf(
    [
      [1, 2, 2],
      [1, 2, 2],
    ],
    [1, 2],
  );
  expect(error1).toBe(1 / 2);
  expect([...predicted]).toEqual([1, 1]);
});

test('a class without votes is a miss, though five places are free', () => {
  const { error1, error5 } = ratesOf([[0, NONE, NONE, NONE, NONE, NONE, NONE]], [3]);
  expect([error1, error5]).toEqual([1, 1]);
});

test('where no class has votes nothing is predicted', () => {
  const { error1, predicted } = ratesOf([[NONE, NONE]], [0]);
  expect([error1, predicted[0]]).toEqual([1, -1]);
});

test('error at 5 says nothing of five classes or fewer', () => {
  expect(ratesOf([[1, 2, 3, 4, 5]], [0]).error5).toBeNull();
});
