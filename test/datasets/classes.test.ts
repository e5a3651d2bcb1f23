import { checkClasses } from '../../datasets/classes';

const record = (path: string, kind: string, split: 'train' | 'test' = 'train') => ({ path, split, labels: { kind } });

describe('checkClasses', () => {
  test('M3: one class alone, and a class of one image, are refused by name', () => {
    expect(() => checkClasses([record('1', 'a'), record('2', 'a'), record('3', 'b', 'test')], 'kind')).toThrow(
      /all of the class a, there must be two classes/,
    );
    expect(() => checkClasses([record('1', 'a'), record('2', 'a'), record('3', 'b')], 'kind')).toThrow(
      /b has one training image, every class must have 2/,
    );
  });

  test('a class that only the test has is noted', () => {
    const seen = [record('1', 'a'), record('2', 'a'), record('3', 'b'), record('4', 'b')];
    expect(checkClasses(seen, 'kind')).toEqual([]);
    expect(checkClasses([...seen, record('5', 'c', 'test')], 'kind')).toEqual([
      'label kind: no training image of c (test); each of their images counts as an error',
    ]);
  });
});
