/**
 * From what a person wrote to a whole recipe: a YAML file by name or path, then flags, then `--set key=value`, parsed once.
 * Knows files and merging. What a field means, and its default, stands in config/recipe.ts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { didYouMean } from '../config/did-you-mean';
import { parseAtEdge } from '../config/parse';
import { Recipe } from '../config/recipe';
import { DataSource } from '../config/workflow-input';
import { LodestoneError } from '../errors';

/** A recipe file may also say which data it is for; a folder is relative to the file. */
const RecipeFile = Recipe.extend({ source: DataSource.optional() });

export interface RecipeChoice {
  /** Name in recipes/ or path of a YAML file; null: the defaults of the schema. */
  readonly recipe: string | null;
  /** Dotted path to value, from flags such as --epochs. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** `key=value` as typed, in order; they win over flags. */
  readonly set: readonly string[];
}

export interface ChosenRecipe {
  readonly recipe: Recipe;
  /** The data that the file names, if it does. */
  readonly source: DataSource | null;
}

type Tree = Record<string, unknown>;

/** @throws InvalidConfig that names each field, its value, the rule and the way out */
export function chooseRecipe(
  { recipe, flags, set }: RecipeChoice,
  places: { readonly folder: string; readonly recipes: string },
): ChosenRecipe {
  const file = recipe === null ? null : findRecipe(recipe, places);
  const written = file === null ? {} : readTree(file);
  const flagged = Object.entries(flags).reduce(
    (tree, [path, value]) => withValue(tree, path, value, `--set ${path}`),
    written,
  );
  const merged = set
    .map(parseAssignment)
    .reduce((tree, { path, value, text }) => withValue(tree, path, value, `--set ${text}`), flagged);
  const what = file === null ? 'recipe' : `recipe ${basename(file)}`;
  const { source, ...parsed } = parseAtEdge(RecipeFile, merged, what);
  return { recipe: parsed, source: source === undefined ? null : placed(source, file) };
}

export function isRecipePath(text: string): boolean {
  return /\.ya?ml$/i.test(text);
}

export function recipeNames(recipes: string): string[] {
  if (!existsSync(recipes)) return [];
  return readdirSync(recipes)
    .filter(isRecipePath)
    .map((name) => name.replace(/\.ya?ml$/i, ''))
    .sort();
}

/** `epochs=3` or `data.validation={type: fraction, fraction: 0.1}`: the value is YAML. */
export function parseAssignment(text: string): { path: string; value: unknown; text: string } {
  const equals = text.indexOf('=');
  if (equals <= 0)
    throw new LodestoneError(
      'InvalidConfig',
      `--set: got "${text}", must be key=value with the key's path in dots. Example: --set magnet.alpha=1.5`,
    );
  const path = text.slice(0, equals).trim();
  try {
    return { path, value: parseYaml(text.slice(equals + 1)) as unknown, text };
  } catch (cause) {
    throw new LodestoneError(
      'InvalidConfig',
      `--set ${path}: got "${text.slice(equals + 1)}", must be a YAML value (${firstLine(cause)}). Quote text that has : or [ in it.`,
      { cause },
    );
  }
}

function findRecipe(recipe: string, { folder, recipes }: { folder: string; recipes: string }): string {
  if (isRecipePath(recipe) || recipe.includes('/')) {
    const path = resolve(folder, recipe);
    if (existsSync(path)) return path;
    throw new LodestoneError(
      'InvalidConfig',
      `recipe: got ${recipe}, but there is no file ${path}. Name a YAML file, or one of recipes/: ${recipeNames(recipes).join(', ')}.`,
    );
  }
  const path = join(recipes, `${recipe}.yaml`);
  if (existsSync(path)) return path;
  throw new LodestoneError(
    'InvalidConfig',
    `recipe: got ${recipe}, which is not in recipes/. ${didYouMean(recipe, recipeNames(recipes))}.`,
  );
}

function readTree(file: string): Tree {
  let tree: unknown;
  try {
    tree = parseYaml(readFileSync(file, 'utf8')) ?? {};
  } catch (cause) {
    throw new LodestoneError(
      'InvalidConfig',
      `recipe ${file}: cannot be read as YAML: ${firstLine(cause)}. Mend that line.`,
      {
        cause,
      },
    );
  }
  if (isTree(tree)) return tree;
  throw new LodestoneError(
    'InvalidConfig',
    `recipe ${file}: got ${JSON.stringify(tree)}, must be keys with values, such as "epochs: 20".`,
  );
}

/** A copy with the value at a dotted path. */
function withValue(tree: Tree, path: string, value: unknown, what: string): Tree {
  const [key, ...rest] = path.split('.');
  if (rest.length === 0) return { ...tree, [key]: value };
  const below = tree[key] ?? {};
  if (!isTree(below))
    throw new LodestoneError(
      'InvalidConfig',
      `${what}: ${key} is ${JSON.stringify(below)}, which has no fields below it. Set ${key} itself.`,
    );
  return { ...tree, [key]: withValue(below, rest.join('.'), value, what) };
}

function placed(source: DataSource, file: string | null): DataSource {
  if (source.type !== 'folder' || file === null) return source;
  return { ...source, path: resolve(dirname(file), source.path) };
}

function isTree(value: unknown): value is Tree {
  return z.record(z.string(), z.unknown()).safeParse(value).success;
}

function firstLine(cause: unknown): string {
  return (cause as Error).message.split('\n')[0].replace(/[:.]$/, '');
}
