import { chooseLabels, labelCandidates, type LabelChoice } from '../../../datasets/sources/labels';
import type { DataSource } from '../../../datasets/sources/source';

function sourceOf(columnNames: string[], rows: string[][], layout: DataSource['layout'] = 'table'): DataSource {
  return {
    root: 'photos',
    layout,
    columnNames,
    notes: [],
    records: rows.map((row, i) => ({
      path: `${i}.jpg`,
      split: undefined,
      columns: Object.fromEntries(columnNames.map((name, c) => [name, row[c]])),
      where: `metadata.csv line ${i + 2}`,
    })),
  };
}

const choose = (source: DataSource, wish: { label?: string; fineLabel?: string }): LabelChoice =>
  chooseLabels(source, { label: null, fineLabel: null, ...wish });

const fruit = sourceOf(
  ['coarse', 'fine', 'weight', 'id', 'remark', 'origin'],
  [
    ['apple', 'fuji', '1', 'a', '', 'farm'],
    ['apple', 'gala', '1', 'b', 'spot', 'farm'],
    ['pear', 'abate', '2', 'c', '', 'farm'],
    ['apple', 'fuji', '2', 'd', '', 'farm'],
    ['apple', 'gala', '1', 'e', 'spot', 'farm'],
    ['pear', 'abate', '2', 'f', '', 'farm'],
  ],
);

describe('labelCandidates', () => {
  test('are columns of few words: no numbers, no empty cell, no name for each image, no constant', () => {
    expect(labelCandidates(fruit)).toEqual(['coarse', 'fine']);
  });

  test('a column named label or class may hold numbers', () => {
    const rows = [
      ['0', '0'],
      ['0', '1'],
      ['1', '0'],
      ['1', '1'],
    ];
    expect(labelCandidates(sourceOf(['label', 'axis'], rows))).toEqual(['label']);
    expect(choose(sourceOf(['axis', 'class'], rows), {})).toEqual({ label: 'class' });
  });
});

describe('chooseLabels', () => {
  test('takes what is asked for, a column of numbers too', () => {
    expect(choose(fruit, { label: 'coarse', fineLabel: 'fine' })).toEqual({ label: 'coarse', fineLabel: 'fine' });
    expect(choose(fruit, { label: 'weight' }).label).toBe('weight');
  });

  test('without a word takes the only candidate, and asks where there are several or none', () => {
    const rows = [
      ['x', '1'],
      ['y', '1'],
      ['x', '2'],
      ['y', '2'],
    ];
    expect(choose(sourceOf(['kind', 'n'], rows), {}).label).toBe('kind');
    expect(() => choose(fruit, {})).toThrow('several columns of classes. Name one with --label: coarse, fine.');
    expect(() => choose(sourceOf(['n'], [['1'], ['2']]), {})).toThrow(
      'no column of photos looks like classes. Name one with --label: n.',
    );
  });

  test.each([
    [{ label: 'corse' }, 'InvalidConfig', 'label: got corse, must be a column of photos. Did you mean coarse?'],
    [
      { label: 'coarse', fineLabel: 'Fine' },
      'InvalidConfig',
      'fineLabel: got Fine, must be a column of photos. Did you mean fine?',
    ],
    [{ label: 'remark' }, 'DataRejected', 'metadata.csv line 2: remark is empty, must name a class.'],
    [
      { label: 'origin' },
      'DataRejected',
      'label origin: every image is of the class farm, there must be two classes at least.',
    ],
  ])('refuses %j', (wish, kind, message) => {
    expect(() => choose(fruit, wish)).toThrow(
      expect.objectContaining({ kind, message: expect.stringContaining(message) }) as Error,
    );
  });

  test('one class folder alone is answered with where to point', () => {
    const single = sourceOf(['class'], [['images'], ['images']], 'class-folders');
    expect(() => choose(single, {})).toThrow(
      /every image is of the class images.*Give the folder that holds the class folders/,
    );
  });
});
