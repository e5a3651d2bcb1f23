/**
 * What data sets call their splits, and what we call them. Knows words only.
 */
import type { SplitName } from '../../config/artifacts';

const SPLIT_OF_WORD: Readonly<Record<string, SplitName>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
  testing: 'test',
};

/** The split that a folder's name or a cell means, in any case of letters; undefined where it means none. */
export function parseSplit(word: string): SplitName | undefined {
  return Object.hasOwn(SPLIT_OF_WORD, word.toLowerCase()) ? SPLIT_OF_WORD[word.toLowerCase()] : undefined;
}

/** For messages: the words that are understood. */
export const splitWords = 'train, val, valid, validation or test';
