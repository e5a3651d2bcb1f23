/** What differs between two configurations, field by field, for people to read. Knows JSON; not what the fields mean. */

/**
 * @param held what counts so far
 * @param given what is asked for
 * @returns a line for each field that differs, by its path in dots
 */
export function differencesOf(held: unknown, given: unknown, path = ''): string[] {
  if (isObject(held) && isObject(given)) {
    const keys = [...new Set([...Object.keys(held), ...Object.keys(given)])];
    return keys.flatMap((key) => differencesOf(held[key], given[key], path === '' ? key : `${path}.${key}`));
  }
  const [is, asked] = [JSON.stringify(held), JSON.stringify(given)];
  return is === asked ? [] : [`${path}: is ${is ?? 'absent'}, asked for ${asked ?? 'absent'}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
