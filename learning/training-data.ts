/**
 * A data set as training sees it: examples with class numbers, and which of them are trained, chosen on and tested on.
 * Class numbers follow the bytewise order of class names, so that they depend on nothing else (DESIGN §7).
 */
import { LodestoneError } from '../errors';
import type { SplitName } from '../config/artifacts';
import { compareBytes } from './byte-order';
import { rngFor } from './random';

export interface Example {
  readonly path: string;
  readonly split: SplitName;
  /** The class that is trained. */
  readonly classId: number;
  /** The class that is recovered; −1 where nothing is. */
  readonly fineId: number;
}

export interface TrainingData {
  readonly examples: readonly Example[];
  readonly classes: readonly string[];
  readonly fineClasses: readonly string[] | null;
  readonly labels: { readonly trained: string; readonly fine: string | null };
  /** Indices into `examples`, ascending. */
  readonly train: readonly number[];
  readonly validation: readonly number[];
  readonly test: readonly number[];
}

export interface LabelledRecord {
  readonly path: string;
  readonly split: SplitName;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Labelling {
  readonly label: string;
  readonly fineLabel: string | null;
  /** Seed of a random pairing of the fine classes (or the label's, where no fine label is given); null: none. */
  readonly pairing: number | null;
  readonly trainOn: 'train' | 'train+validation';
}

/**
 * Numbers the classes of a manifest's records.
 * With `train+validation` the validation split is empty: what it would choose must be given.
 */
export function labelData(
  records: readonly LabelledRecord[],
  { label, fineLabel, pairing, trainOn }: Labelling,
): TrainingData {
  const recovered = pairing === null ? fineLabel : (fineLabel ?? label);
  const trainedName = pairing === null ? nameOf(label) : pairName(records, recovered ?? label, pairing);
  const classes = sortedNames(records.map(trainedName));
  const fineClasses = recovered === null ? null : sortedNames(records.map(nameOf(recovered)));
  const classIds = numbering(classes);
  const fineIds = fineClasses && numbering(fineClasses);
  const examples = records.map((record): Example => ({
    path: record.path,
    split: record.split,
    classId: idOf(classIds, trainedName(record)),
    fineId: fineIds && recovered !== null ? idOf(fineIds, nameOf(recovered)(record)) : -1,
  }));
  const of = (...splits: SplitName[]): number[] =>
    examples.flatMap(({ split }, i) => (splits.includes(split) ? [i] : []));
  const joined = trainOn === 'train+validation';
  const train = joined ? of('train', 'validation') : of('train');
  if (pairing !== null) checkPairs(train, examples, classes);
  return {
    examples,
    classes,
    fineClasses,
    labels: { trained: pairing === null ? label : `pairs of ${recovered ?? label}`, fine: recovered },
    train,
    validation: joined ? [] : of('validation'),
    test: of('test'),
  };
}

/** The class number of each of some examples. */
export function classesOf(data: TrainingData, examples: readonly number[], which: 'trained' | 'fine'): Int32Array {
  return Int32Array.from(examples, (i) => (which === 'trained' ? data.examples[i].classId : data.examples[i].fineId));
}

/** A seeded perfect matching of the classes; an odd one stays alone (METHOD §4, random pairing). */
function pairName(
  records: readonly LabelledRecord[],
  column: string,
  seed: number,
): (record: LabelledRecord) => string {
  const names = sortedNames(records.map(nameOf(column)));
  const order = rngFor(seed, 'pairing').shuffle([...names]);
  const pairOf = new Map<string, string>();
  for (let i = 0; i < order.length; i += 2) {
    const pair = order.slice(i, i + 2).sort(compareBytes);
    for (const name of pair) pairOf.set(name, pair.join(' + '));
  }
  return (record) => pairOf.get(nameOf(column)(record)) as string;
}

/** What a label has to be (datasets/classes.ts) pairs of its classes have to be as well. */
function checkPairs(train: readonly number[], examples: readonly Example[], classes: readonly string[]): void {
  const counts = classes.map(() => 0);
  for (const i of train) counts[examples[i].classId]++;
  const trained = counts.filter((count) => count > 0).length;
  if (trained < 2)
    throw new LodestoneError(
      'DataRejected',
      `data.pairing: the training images are all of the pair ${classes[counts.findIndex((count) => count > 0)]}, there must be two pairs at least. Add classes, or train without pairing.`,
    );
  const lonely = counts.indexOf(1);
  if (lonely < 0) return;
  throw new LodestoneError(
    'DataRejected',
    `data.pairing: ${classes[lonely]} has one training image, every pair must have 2 at least: a lone image is its own cluster mean. Add images, or remove the class.`,
  );
}

function nameOf(column: string): (record: LabelledRecord) => string {
  return ({ path, labels }) => {
    const name = labels[column];
    if (name === undefined) {
      throw new LodestoneError(
        'DataRejected',
        `${path}: has no value of the label ${column}; every record needs one. Choose another label.`,
      );
    }
    return name;
  };
}

function sortedNames(names: readonly string[]): string[] {
  return [...new Set(names)].sort(compareBytes);
}

function numbering(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name, id) => [name, id]));
}

function idOf(ids: ReadonlyMap<string, number>, name: string): number {
  return ids.get(name) as number;
}
