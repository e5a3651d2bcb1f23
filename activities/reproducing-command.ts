/** The command that makes a run again: only what differs from the defaults and decides the result stands in it. */
import { freeFields, Recipe } from '../config/recipe';
import type { DataSource } from '../config/workflow-input';

export function reproducingCommand(
  command: 'run' | 'compare' | 'recover',
  data: DataSource,
  recipe: Recipe,
  objectives: readonly string[] = [],
  pairings?: number,
): string {
  const settings = differing(recipe, Recipe.parse({})).filter(
    ([key]) => (command === 'run' || key !== 'objective') && !(freeFields as readonly string[]).includes(key),
  );
  const words = [
    'npx lodestone',
    command,
    data.type === 'folder' ? quoted(data.path) : `species:${data.seed}`,
    ...(objectives.length > 0 ? ['--objectives', objectives.join(',')] : []),
    ...(pairings === undefined ? [] : ['--pairings', String(pairings)]),
    ...settings.map(
      ([key, value]) => `--set ${quoted(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`,
    ),
  ];
  return words.join(' ');
}

/** Leaves of the recipe that are not what an empty recipe has. */
function differing(value: unknown, usual: unknown, path = ''): [string, unknown][] {
  if (isObject(value) && isObject(usual))
    return Object.keys(value).flatMap((key) => differing(value[key], usual[key], path === '' ? key : `${path}.${key}`));
  return JSON.stringify(value) === JSON.stringify(usual) ? [] : [[path, value]];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quoted(word: string): string {
  return /^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
