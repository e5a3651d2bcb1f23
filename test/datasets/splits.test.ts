import fc from 'fast-check';
import { assignSplits, type SplitOptions, type ValidationRule } from '../../datasets/splits';
import { splitNames } from '../../config/artifacts';
import type { SourceRecord } from '../../datasets/sources/source';

const options: SplitOptions = {
  stratifyBy: 'class',
  validation: null,
  drawnValidation: 0.15,
  drawnTest: 0.25,
  splitSeed: 0,
};

const record = (path: string, split: SourceRecord['split'], columns: Record<string, string>): SourceRecord => ({
  path,
  split,
  columns,
  where: path,
});

/** A set with the given number of records in each class. */
const setOf = (sizes: readonly number[], split?: SourceRecord['split']): SourceRecord[] =>
  sizes.flatMap((size, c) =>
    Array.from({ length: size }, (_, i) => record(`c${c}/${i}.jpg`, split, { class: `c${c}`, order: String(i) })),
  );

const byPath = (records: readonly SourceRecord[], with_: SplitOptions): Map<string, string> => {
  const { splits } = assignSplits(records, with_);
  return new Map(records.map(({ path }, i) => [path, splits[i] as string]));
};
const countOf = (splits: Map<string, string>, prefix: string, split: string): number =>
  [...splits].filter(([path, name]) => path.startsWith(prefix) && name === split).length;

const sizes = fc.array(fc.integer({ min: 2, max: 60 }), { minLength: 1, maxLength: 8 });
const seed = fc.integer({ min: 0, max: 1_000_000 });

describe('a data set without splits', () => {
  test('every class is split in the proportions asked for, to a record, and keeps two for training', () => {
    fc.assert(
      fc.property(sizes, seed, (classSizes, s) => {
        const splits = byPath(setOf(classSizes), { ...options, splitSeed: s });
        classSizes.forEach((size, c) => {
          const [train, validation, test] = ['train', 'validation', 'test'].map((name) =>
            countOf(splits, `c${c}/`, name),
          ) as [number, number, number];
          expect(train + validation + test).toBe(size);
          expect(train).toBeGreaterThanOrEqual(2);
          if (size >= 8) expect(Math.abs(test - size * 0.25)).toBeLessThanOrEqual(0.5);
          if (size >= 12) expect(Math.abs(validation - (size - test) * 0.15)).toBeLessThanOrEqual(0.5);
        });
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test('the draw depends neither on the order of records nor on other classes', () => {
    fc.assert(
      fc.property(sizes, seed, (classSizes, s) => {
        const records = setOf(classSizes);
        const alone = byPath(records, options);
        const reversed = byPath([...records].reverse(), options);
        const withMore = byPath(
          [
            ...records,
            ...setOf([(s % 30) + 2]).map((r) => record(`more/${r.path}`, undefined, { ...r.columns, class: 'more' })),
          ],
          options,
        );
        for (const [path, split] of alone) {
          expect(reversed.get(path)).toBe(split);
          expect(withMore.get(path)).toBe(split);
        }
      }),
      { seed: 2, numRuns: 50 },
    );
  });

  test('the same seed draws the same, another seed another', () => {
    const records = setOf([40, 40]);
    const with_ = (s: number): SplitOptions => ({ ...options, splitSeed: s });
    expect(byPath(records, with_(5))).toEqual(byPath(records, with_(5)));
    expect(byPath(records, with_(5))).not.toEqual(byPath(records, with_(6)));
  });

  test('says what it drew', () => {
    expect(assignSplits(setOf([20]), options).notes).toEqual([
      'test drawn from train: 25 % of each class, seed 0, since the data set has none',
      'validation taken from train: 15 % of each class, seed 0',
    ]);
  });

  test('says where a share of a small class comes to nothing', () => {
    expect(assignSplits(setOf([2, 2]), options).notes).toEqual([
      'no test: the data set has none, and 25 % of each class, seed 0 comes to no image',
      'no validation: 15 % of each class, seed 0 comes to no image',
    ]);
  });
});

describe('a data set with splits', () => {
  const own = [
    ...setOf([10, 10], 'train'),
    record('c0/v.jpg', 'validation', { class: 'c0', order: '1' }),
    record('c0/t.jpg', 'test', { class: 'c0', order: '13' }),
  ];

  test('V1: keeps its own validation and test to the record, and draws nothing', () => {
    const { splits, notes } = assignSplits(own, options);
    expect(splits).toEqual(own.map(({ split }) => split));
    expect(notes).toEqual([]);
  });

  test('V1: a rule that is given replaces its validation; test stays untouched', () => {
    const splits = byPath(own, { ...options, validation: { type: 'column', column: 'order', values: ['2', '13'] } });
    expect(splits.get('c0/v.jpg')).toBe('train');
    expect(splits.get('c0/t.jpg')).toBe('test');
    expect([...splits].filter(([, split]) => split === 'validation').map(([path]) => path)).toEqual([
      'c0/2.jpg',
      'c1/2.jpg',
    ]);
  });

  test('V1, as a property: no rule ever moves a record out of or into test where the set has a test split', () => {
    const given = fc.array(fc.constantFrom(...splitNames), {
      minLength: 6,
      maxLength: 60,
    });
    const rules = fc.constantFrom<ValidationRule | null>(
      null,
      { type: 'fraction', fraction: 0.5, seed: 3 },
      { type: 'lastFraction', fraction: 0.5, groupBy: 'class', orderBy: 'order' },
    );
    fc.assert(
      fc.property(given, rules, (names, rule) => {
        fc.pre(names.includes('test') && names.includes('train'));
        const records = names.map((split, i) => record(`${i}.jpg`, split, { class: `c${i % 3}`, order: String(i) }));
        const { splits } = assignSplits(records, { ...options, validation: rule });
        splits.forEach((split, i) => expect(split === 'test').toBe(names[i] === 'test'));
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test('the last share of each group is taken in numeric order, not in that of the text', () => {
    const records = [...setOf([12], 'train'), record('t.jpg', 'test', { class: 'c0', order: '0' })];
    const splits = byPath(records, {
      ...options,
      validation: { type: 'lastFraction', fraction: 0.2, groupBy: 'class', orderBy: 'order' },
    });
    expect([...splits].filter(([, split]) => split === 'validation').map(([path]) => path)).toEqual([
      'c0/10.jpg',
      'c0/11.jpg',
    ]);
  });

  test.each<[string, ValidationRule, RegExp]>([
    [
      'an unknown column',
      { type: 'column', column: 'ordr', values: ['1'] },
      /there is no column ordr\. Did you mean order\?/,
    ],
    ['values that nothing has', { type: 'column', column: 'order', values: ['99'] }, /no training record has order 99/],
    [
      'an order that is no number',
      { type: 'lastFraction', fraction: 0.2, groupBy: 'class', orderBy: 'class' },
      /c0\/\d\.jpg: class is "c0", must be a number/,
    ],
    [
      'a rule that takes everything',
      { type: 'column', column: 'class', values: ['c0', 'c1'] },
      /takes every training record/,
    ],
  ])('refuses %s', (_what, validation, message) => {
    expect(() => assignSplits(own, { ...options, validation })).toThrow(message);
  });

  test('refuses a set without training records', () => {
    expect(() => assignSplits(setOf([3], 'test'), options)).toThrow(/no record is in train/);
  });
});
