/**
 * Which columns of a data set are labels, and which of them a run trains on and recovers.
 * Every column of few different words is a candidate, so that a manifest serves every choice; the rest are attributes.
 * Pure: a source and the user's wish in, names out.
 */
import { didYouMean } from '../../config/did-you-mean';
import type { DataOptions } from '../../config/recipe';
import { LodestoneError } from '../../errors';
import type { DataSource, SourceRecord } from './source';

export interface LabelChoice {
  /** The column whose classes are trained. */
  readonly label: string;
  /** The column whose classes are recovered at the end, if any. */
  readonly fineLabel?: string | undefined;
}

/** Columns that are labels without being asked for: in every row a value, few different ones, and not all of them numbers. */
export function labelCandidates({ columnNames, records }: Pick<DataSource, 'columnNames' | 'records'>): string[] {
  return columnNames.filter((name) => {
    const values = records.map(({ columns }) => columns[name]);
    const different = new Set(values);
    const wordy = [...different].some((value) => !isNumber(value)) || LABEL_NAMES.includes(name);
    return wordy && !different.has('') && different.size >= 2 && different.size <= records.length / 2;
  });
}

/** The columns of this run; what is not said is chosen only where there is no doubt. */
export function chooseLabels(source: DataSource, wish: Pick<DataOptions, 'label' | 'fineLabel'>): LabelChoice {
  const label = wish.label ?? obviousLabel(source);
  checkColumn(source, 'label', label);
  if (wish.fineLabel === null) return { label };
  checkColumn(source, 'fineLabel', wish.fineLabel);
  return { label, fineLabel: wish.fineLabel };
}

const LABEL_NAMES: readonly string[] = ['label', 'class'];

function obviousLabel(source: DataSource): string {
  const candidates = labelCandidates(source);
  const named = LABEL_NAMES.find((name) => source.columnNames.includes(name));
  if (named !== undefined) return named;
  if (candidates.length === 1) return candidates[0];
  throw new LodestoneError(
    'InvalidConfig',
    candidates.length === 0
      ? `label: no column of ${source.root} looks like classes. Name one with --label: ${source.columnNames.join(', ')}.`
      : `label: ${source.root} has several columns of classes. Name one with --label: ${candidates.join(', ')}.`,
  );
}

function checkColumn(source: DataSource, field: 'label' | 'fineLabel', name: string): void {
  if (!source.columnNames.includes(name)) {
    throw new LodestoneError(
      'InvalidConfig',
      `${field}: got ${name}, must be a column of ${source.root}. ${didYouMean(name, source.columnNames)}.`,
    );
  }
  const values = new Set(source.records.map(({ columns }) => columns[name]));
  if (values.has('')) {
    const { where } = source.records.find(({ columns }) => columns[name] === '') as SourceRecord;
    throw new LodestoneError(
      'DataRejected',
      `${where}: ${name} is empty, must name a class. Fill it in, or remove the row.`,
    );
  }
  if (values.size < 2) {
    throw new LodestoneError(
      'DataRejected',
      `${field} ${name}: every image is of the class ${[...values].join('')}, there must be two classes at least. ` +
        (source.layout === 'class-folders' ? 'Give the folder that holds the class folders.' : 'Name another column.'),
    );
  }
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}
