/**
 * The command that makes a run again, for a shell: only what differs from the defaults and decides the result stands in it.
 * Knows what `lodestone` makes of its words: values are YAML, `species:3` is the procedural set of seed 3.
 */
import { parse as parseYaml } from 'yaml';
import { digestOf } from '../config/canonical-json';
import { freeFields, Recipe } from '../config/recipe';
import { DataSource } from '../config/workflow-input';

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
  const { before, argument } = dataWords(data);
  const words = [
    ...before,
    'npx lodestone',
    command,
    argument,
    ...(objectives.length > 0 ? ['--objectives', objectives.join(',')] : []),
    ...(pairings === undefined ? [] : ['--pairings', String(pairings)]),
    ...settings.map(setting),
  ];
  return words.join(' ');
}

/** The argument that names the data, and what has to be done first: an argument names a procedural set by its seed alone. */
function dataWords(data: DataSource): { readonly before: readonly string[]; readonly argument: string } {
  if (data.type === 'folder') return { before: [], argument: quoted(data.path) };
  const chosen = differing(data, DataSource.parse({ type: 'species', seed: data.seed }));
  if (chosen.length === 0) return { before: [], argument: `species:${data.seed}` };
  // Its images as a folder are the same data set.
  const folder = `species-${digestOf(data).slice(0, 8)}`;
  const settings = differing(data, DataSource.parse({ type: 'species' })).filter(([key]) => key !== 'type');
  return { before: ['npx lodestone data synth', folder, ...settings.map(setting), '&&'], argument: folder };
}

/** Leaves that are not the usual ones. What chooses among the types of a union stands with any field of its choice. */
function differing(value: unknown, usual: unknown, path = ''): [string, unknown][] {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (!isObject(value) || !isObject(usual))
    return JSON.stringify(value) === JSON.stringify(usual) ? [] : [[path, value]];
  const { type, ...rest } = value;
  const leaves = Object.keys(rest).flatMap((key) => differing(rest[key], usual[key], at(key)));
  const isChosen = type !== undefined && (leaves.length > 0 || type !== usual['type']);
  return isChosen ? [[at('type'), type], ...leaves] : leaves;
}

function setting([key, value]: readonly [string, unknown]): string {
  const isPlain = typeof value === 'string' && readsAsItself(value);
  return `--set ${quoted(`${key}=${isPlain ? value : JSON.stringify(value)}`)}`;
}

/** Whether YAML takes a text for this very text: 2024 is a number to it, no and ~ are values, and # begins a comment. */
function readsAsItself(text: string): boolean {
  try {
    return parseYaml(text, { logLevel: 'error' }) === text;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quoted(word: string): string {
  return /^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
