/**
 * "Did you mean": the remedy of a message about a name that does not exist. Knows words only.
 */
import { closest, distance } from 'fastest-levenshtein';

/** `Did you mean coarse? There are …` or just the names, without a final full stop. */
export function didYouMean(given: string, names: readonly string[]): string {
  if (names.length === 0) return 'There is none to choose from';
  const list = `There ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
  const nearest = closest(
    given.toLowerCase(),
    names.map((name) => name.toLowerCase()),
  );
  const near = names.find((name) => name.toLowerCase() === nearest);
  const close =
    distance(given.toLowerCase(), nearest) <= Math.min(given.length - 1, Math.max(2, Math.floor(given.length / 3)));
  return near !== undefined && close ? `Did you mean ${near}? ${list}` : list;
}
