/**
 * Gives every record a split: the data set's own where it has one, ours where it has none.
 * Pure: records and rules in, splits out. What is drawn is stratified by class and named by (seed, class), so that it
 * depends neither on the order of records nor on other classes.
 *
 * Invariants:
 *   V1  A record whose data set says test stays test. One that says validation stays so, unless a rule is given: then the
 *       set's own validation records join training first.
 *   V2  Drawing leaves every class at least two training records, as far as it has them.
 */
import { LodestoneError } from '../errors';
import type { SplitName } from '../config/artifacts';
import type { DataOptions } from '../config/recipe';
import { didYouMean } from '../config/did-you-mean';
import { compareBytes } from '../learning/byte-order';
import { rngFor } from '../learning/random';
import type { SourceRecord } from './sources/source';

/** How validation is made from the training records; see the recipe's `data.validation`. */
export type ValidationRule = NonNullable<DataOptions['validation']>;

export type SplitOptions = Pick<DataOptions, 'validation' | 'drawnValidation' | 'drawnTest' | 'splitSeed'> & {
  /** The column whose classes are kept in proportion: the finest label in use. */
  readonly stratifyBy: string;
};

export interface AssignedSplits {
  /** One for each record, in their order. */
  readonly splits: readonly SplitName[];
  readonly notes: readonly string[];
}

export function assignSplits(records: readonly SourceRecord[], options: SplitOptions): AssignedSplits {
  const notes: string[] = [];
  const given = new Set(records.map(({ split }) => split));
  const splits = records.map(({ split }) => split ?? 'train');
  if (!splits.includes('train')) {
    throw new LodestoneError('DataRejected', 'split: no record is in train. Mark the records to learn from as train.');
  }

  if (!given.has('test')) {
    const { drawnTest: fraction, splitSeed: seed } = options;
    const drawn = drawShare(trainRecords(records, splits), options.stratifyBy, fraction, rngName(seed, 'test split'));
    moveTo('test', splits, drawn);
    const share = `${percent(fraction)} of each ${options.stratifyBy}, seed ${seed}`;
    notes.push(
      drawn.length > 0
        ? `test drawn from train: ${share}, since the data set has none`
        : `no test: the data set has none, and ${share} comes to no image`,
    );
  }

  const rule = options.validation ?? (given.has('validation') ? undefined : drawnRule(options));
  if (rule) {
    splits.forEach((split, i) => {
      if (split === 'validation') splits[i] = 'train';
    });
    const chosen = chooseValidation(trainRecords(records, splits), options.stratifyBy, rule);
    moveTo('validation', splits, chosen);
    const replaced = given.has('validation') ? ", in place of the data set's own" : '';
    const described = describe(rule, options.stratifyBy);
    notes.push(
      chosen.length > 0
        ? `validation taken from train: ${described}${replaced}`
        : `no validation: ${described} comes to no image`,
    );
  }
  if (!splits.includes('train')) {
    throw new LodestoneError(
      'DataRejected',
      'validation: its rule takes every training record. Choose a smaller share or fewer values.',
    );
  }
  return { splits, notes };
}

function drawnRule({ drawnValidation, splitSeed }: SplitOptions): ValidationRule {
  return { type: 'fraction', fraction: drawnValidation, seed: splitSeed };
}

/** A training record and its place in the list that was given. */
interface Placed {
  readonly record: SourceRecord;
  readonly at: number;
}

function trainRecords(records: readonly SourceRecord[], splits: readonly SplitName[]): Placed[] {
  return records.map((record, at) => ({ record, at })).filter(({ at }) => splits[at] === 'train');
}

function moveTo(split: SplitName, splits: SplitName[], chosen: readonly Placed[]): void {
  for (const { at } of chosen) splits[at] = split;
}

function chooseValidation(train: readonly Placed[], stratifyBy: string, rule: ValidationRule): Placed[] {
  switch (rule.type) {
    case 'fraction':
      return drawShare(train, stratifyBy, rule.fraction, rngName(rule.seed, 'validation split'));
    case 'column': {
      const values = new Set(rule.values);
      const chosen = train.filter(({ record }) => values.has(cell(record, rule.column, 'validation.column')));
      if (chosen.length > 0) return chosen;
      throw new LodestoneError(
        'DataRejected',
        `validation: no training record has ${rule.column} ${rule.values.join(' or ')}. Choose values that the column holds.`,
      );
    }
    case 'lastFraction':
      return [...groups(train, rule.groupBy).values()].flatMap((members) => {
        const ordered = [...members].sort(
          (a, b) => order(a, rule.orderBy) - order(b, rule.orderBy) || comparePlaced(a, b),
        );
        return ordered.slice(ordered.length - shareOf(ordered.length, rule.fraction));
      });
  }
}

type RngOfClass = (name: string) => ReturnType<typeof rngFor>;

function rngName(seed: number, purpose: string): RngOfClass {
  return (name) => rngFor(seed, purpose, name);
}

function drawShare(train: readonly Placed[], column: string, fraction: number, rngOf: RngOfClass): Placed[] {
  return [...groups(train, column)].flatMap(([name, members]) =>
    rngOf(name).sample([...members].sort(comparePlaced), shareOf(members.length, fraction)),
  );
}

/** The share in whole records, at least one; but two stay behind (V2). */
function shareOf(members: number, fraction: number): number {
  return Math.max(0, Math.min(Math.max(1, Math.round(members * fraction)), members - 2));
}

function groups(train: readonly Placed[], column: string): Map<string, Placed[]> {
  const found = new Map<string, Placed[]>();
  for (const placed of train) {
    const name = cell(placed.record, column, 'validation.groupBy');
    const members = found.get(name);
    if (members) members.push(placed);
    else found.set(name, [placed]);
  }
  return found;
}

function cell(record: SourceRecord, column: string, field: string): string {
  if (Object.hasOwn(record.columns, column)) return record.columns[column];
  const names = Object.keys(record.columns);
  throw new LodestoneError('InvalidConfig', `${field}: there is no column ${column}. ${didYouMean(column, names)}.`);
}

function order({ record }: Placed, column: string): number {
  const text = cell(record, column, 'validation.orderBy');
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new LodestoneError(
    'DataRejected',
    `${record.where}: ${column} is ${JSON.stringify(text)}, must be a number to order by.`,
  );
}

function comparePlaced(a: Placed, b: Placed): number {
  return compareBytes(a.record.path, b.record.path);
}

function describe(rule: ValidationRule, stratifyBy: string): string {
  switch (rule.type) {
    case 'fraction':
      return `${percent(rule.fraction)} of each ${stratifyBy}, seed ${rule.seed}`;
    case 'column':
      return `${rule.column} is ${rule.values.join(' or ')}`;
    case 'lastFraction':
      return `the last ${percent(rule.fraction)} of each ${rule.groupBy} by ${rule.orderBy}`;
  }
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toFixed(1))} %`;
}
