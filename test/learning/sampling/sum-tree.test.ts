/** Sums that change a few at a time: those of the present numbers, whatever was there before. */
import { rngFor } from '../../../learning/random';
import { SumTree } from '../../../learning/sampling/sum-tree';

const sizes = [1, 2, 3, 8, 13, 100];

test.each(sizes)('totals and parts of %i numbers', (size) => {
  const rng = rngFor(1, 'numbers', size);
  const tree = new SumTree(size);
  const numbers = Array.from({ length: size }, () => rng.nextInt(1000)); // whole numbers: every order gives one sum
  tree.fill((place) => numbers[place]);
  for (let change = 0; change < 50; change++) {
    const place = rng.nextInt(size);
    numbers[place] = rng.nextInt(1000);
    tree.set(place, numbers[place]);
    const begin = rng.nextInt(size);
    const end = begin + rng.nextInt(size - begin + 1);
    expect(tree.sum(begin, end)).toBe(numbers.slice(begin, end).reduce((sum, value) => sum + value, 0));
    expect(tree.total).toBe(tree.sum(0, size));
    expect(tree.at(place)).toBe(numbers[place]);
  }
});

test('sums have the bits of a tree filled at once', () => {
  const rng = rngFor(2, 'bits');
  const numbers = Array.from({ length: 77 }, () => rng.next() * 10 ** rng.nextInt(8));
  const [changed, filled] = [new SumTree(77), new SumTree(77)];
  for (let i = 0; i < 200; i++) changed.set(rng.nextInt(77), rng.next());
  numbers.forEach((value, place) => changed.set(place, value));
  filled.fill((place) => numbers[place]);
  expect(changed.total).toBe(filled.total);
  expect(changed.sum(5, 60)).toBe(filled.sum(5, 60));
});

test.each(sizes)('a share of the total of a + 2 b finds its place among %i, never one of weight 0', (size) => {
  const rng = rngFor(3, 'find', size);
  const draw = (): number => (rng.nextInt(2) === 0 ? 0 : rng.nextInt(10));
  const [a, b] = [new SumTree(size), new SumTree(size)];
  a.fill(draw);
  b.fill(draw);
  a.set(rng.nextInt(size), 1); // the total is above 0
  const weights = Array.from({ length: size }, (_, place) => a.at(place) + 2 * b.at(place));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const placeOf = (passed: number): number => {
    let sum = 0;
    return weights.findIndex((weight) => (sum += weight) > passed);
  };
  for (let passed = 0; passed < total; passed++)
    expect(SumTree.find(a, b, 2, (passed + 0.5) / total)).toBe(placeOf(passed));
  expect(weights[SumTree.find(a, b, 2, 1)]).toBeGreaterThan(0); // as rounding may make of a share below 1
});
