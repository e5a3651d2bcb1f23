/** Classes of records, and pairs of them. */
import { labelData, type LabelledRecord } from '../../learning/training-data';

/** Images of kinds: so many for training, so many for the test. */
function recordsOf(kinds: Readonly<Record<string, readonly [train: number, test: number]>>): LabelledRecord[] {
  return Object.entries(kinds).flatMap(([kind, [train, test]]) =>
    Array.from({ length: train + test }, (_, i) => ({
      path: `${kind}/${i}`,
      split: i < train ? ('train' as const) : ('test' as const),
      labels: { kind },
    })),
  );
}
const paired = { label: 'kind', fineLabel: null, pairing: 1, trainOn: 'train' } as const;

test('pairs are a matching of all classes: each in one, the same for the same seed', () => {
  const records = recordsOf({ a: [2, 1], b: [2, 1], c: [2, 1], d: [2, 1] });
  const { classes, fineClasses } = labelData(records, paired);
  expect(fineClasses).toEqual(['a', 'b', 'c', 'd']);
  expect(classes.flatMap((pair) => pair.split(' + ')).sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(classes).toHaveLength(2);
  expect(labelData(records, paired).classes).toEqual(classes);
});

test.each([
  ['two classes make one pair', { a: [3, 1], b: [3, 1] }],
  ['the other pair has no training image', { a: [3, 1], b: [3, 1], c: [0, 2], d: [0, 2] }],
] as const)('one pair is nothing to tell apart: %s', (_, kinds) => {
  const said = [1, 2, 3, 4, 5, 6].map((pairing) => {
    try {
      return labelData(recordsOf(kinds), { ...paired, pairing }).classes.join(); // where a seed pairs others
    } catch (error) {
      return (error as Error).message;
    }
  });
  expect(said).toContainEqual(expect.stringMatching(/^data\.pairing: the training images are all of the pair a \+ b/));
});

test('a pair with one training image is refused by name, as a class is', () => {
  const records = recordsOf({ a: [2, 0], b: [2, 0], c: [1, 3] });
  const alone = [1, 2, 3, 4, 5, 6, 7, 8].filter((pairing) => {
    try {
      labelData(records, { ...paired, pairing });
      return false;
    } catch (error) {
      expect((error as Error).message).toMatch(/^data\.pairing: c has one training image, every pair must have 2/);
      return true;
    }
  });
  expect(alone.length).toBeGreaterThan(0);
  expect(alone.length).toBeLessThan(8); // with another class it has enough
});
