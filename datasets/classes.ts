/**
 * Whether a label can be trained on, given which records training has. Checked after the scan, before anything is decoded,
 * and again when quarantined files have left. Pure.
 */
import { LodestoneError } from '../errors';
import type { SplitName } from '../config/artifacts';

interface Labelled {
  readonly path: string;
  readonly split: SplitName;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Whether a label can be trained: two classes with training records, and two training records of each class.
 * @returns notes: classes of test or validation that training never sees
 */
export function checkClasses(records: readonly Labelled[], label: string): string[] {
  const training = new Map<string, number>();
  const unseen = new Map<string, number>();
  for (const { split, labels } of records) if (split === 'train') add(training, labels[label]);
  for (const { split, labels } of records) {
    if (split !== 'train' && !training.has(labels[label])) add(unseen, `${labels[label]} (${split})`);
  }
  if (training.size < 2) {
    throw new LodestoneError(
      'DataRejected',
      `label ${label}: the training records are all of the class ${[...training.keys()].join('')}, there must be two classes at least. Add images of another.`,
    );
  }
  const lonely = [...training].filter(([, images]) => images < 2).map(([name]) => name);
  if (lonely.length > 0) {
    throw new LodestoneError(
      'DataRejected',
      `label ${label}: ${some(lonely)} ${lonely.length === 1 ? 'has' : 'have'} one training image, every class must have 2 at least: ` +
        'a lone image is its own cluster mean. Add images, or remove the class.',
    );
  }
  return unseen.size === 0
    ? []
    : [`label ${label}: no training image of ${some([...unseen.keys()])}; each of their images counts as an error`];
}

/** Refuses a class that only quarantined files had: training would quietly be another task. */
export function checkNoClassLost(before: readonly Labelled[], after: readonly Labelled[], label: string): void {
  const left = new Set(after.map(({ labels }) => labels[label]));
  const lost = new Set(before.map(({ labels }) => labels[label]).filter((name) => !left.has(name)));
  if (lost.size === 0) return;
  throw new LodestoneError(
    'DataRejected',
    `label ${label}: every image of ${some([...lost])} is quarantined, so the class would be empty. Repair its images, or remove the class.`,
  );
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function some(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}
