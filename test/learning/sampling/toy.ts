/** Training data of given classes without pictures: what a sampler sees. */
import type { TrainingData } from '../../../learning/training-data';

/** One training example per class number; a validation example stands before each, so that rows are not examples. */
export function dataOf(classes: readonly number[]): TrainingData {
  const count = Math.max(...classes) + 1;
  return {
    examples: classes.flatMap((classId, i) => [
      { path: `${i}-v.png`, split: 'validation' as const, classId, fineId: -1 },
      { path: `${i}.png`, split: 'train' as const, classId, fineId: -1 },
    ]),
    classes: Array.from({ length: count }, (_, id) => `class ${id}`),
    fineClasses: null,
    labels: { trained: 'kind', fine: null },
    train: classes.map((_, row) => 2 * row + 1),
    validation: classes.map((_, row) => 2 * row),
    test: [],
  };
}

/** Pearson's χ² of counts against expected shares. */
export function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, i) => sum + (count - shares[i] * total) ** 2 / (shares[i] * total), 0);
}

export function countsOf(drawn: readonly number[], length: number): number[] {
  const counts = Array<number>(length).fill(0);
  for (const value of drawn) counts[value]++;
  return counts;
}
