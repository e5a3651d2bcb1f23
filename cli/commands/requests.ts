/**
 * From parsed options of run, compare, recover and demo to the workflow that they start and its name. Pure but for reading
 * the recipe file and looking whether the folder is there.
 */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { didYouMean } from '../../config/did-you-mean';
import { parseAtEdge } from '../../config/parse';
import { CompareInput, DataSource, RecoverInput, TrainPipelineInput } from '../../config/workflow-input';
import { LodestoneError } from '../../errors';
import { chooseRecipe, isRecipePath, parseAssignment, type ChosenRecipe } from '../recipe-file';
import type { StartRequest } from '../run-client';
import { derivedName, givenName } from '../run-name';
import { recipesFolder } from '../settings';

/** What the four commands share, as commander hands it over. */
export interface RecipeOptions {
  readonly recipe?: string | undefined;
  readonly name?: string | undefined;
  readonly label?: string | undefined;
  readonly fineLabel?: string | undefined;
  readonly objective?: string | undefined;
  readonly network?: string | undefined;
  readonly epochs?: string | undefined;
  readonly seed?: string | undefined;
  readonly profile?: boolean | undefined;
  readonly set?: readonly string[] | undefined;
  readonly objectives?: string | undefined;
  readonly pairings?: string | undefined;
  readonly parallel?: string | undefined;
}

export interface NamedRequest {
  readonly run: string;
  readonly request: StartRequest;
}

export interface Place {
  readonly folder: string;
  /** Whether a data folder must be readable here; with configured servers only the workers need it. */
  readonly dataIsLocal: boolean;
}

const flagFields = {
  label: 'data.label',
  fineLabel: 'data.fineLabel',
  objective: 'objective',
  network: 'network.name',
  epochs: 'epochs',
  seed: 'seed',
} as const satisfies Partial<Record<keyof RecipeOptions, string>>;
const textFields: readonly string[] = ['label', 'fineLabel', 'objective', 'network'];

export function runRequest(dataArgument: string, options: RecipeOptions, place: Place): NamedRequest {
  const { data, recipe } = dataAndRecipe(dataArgument, options, place);
  const input = parseAtEdge(TrainPipelineInput, { version: 1, data, recipe }, 'workflow input');
  const run = nameOf(options, () => derivedName({ data, recipe, kind: 'run' }));
  return { run, request: { type: 'trainPipeline', input } };
}

export function compareRequest(dataArgument: string, options: RecipeOptions, place: Place): NamedRequest {
  const { data, recipe } = dataAndRecipe(dataArgument, options, place);
  const wished = { objectives: listed(options.objectives), parallel: yamlValue('parallel', options.parallel) };
  const input = parseAtEdge(CompareInput, { version: 1, data, recipe, ...wished }, 'compare');
  const run = nameOf(options, () => derivedName({ data, recipe, kind: 'compare', also: input.objectives }));
  return { run, request: { type: 'compareObjectives', input } };
}

export function recoverRequest(dataArgument: string, options: RecipeOptions, place: Place): NamedRequest {
  const { data, recipe } = dataAndRecipe(dataArgument, options, place);
  const wished = {
    objectives: listed(options.objectives),
    pairings: yamlValue('pairings', options.pairings),
    parallel: yamlValue('parallel', options.parallel),
  };
  const input = parseAtEdge(RecoverInput, { version: 1, data, recipe, ...wished }, 'recover');
  const also = { objectives: input.objectives, pairings: input.pairings };
  const run = nameOf(options, () => derivedName({ data, recipe, kind: 'recover', also }));
  return { run, request: { type: 'hierarchyRecovery', input } };
}

/** The data argument is a folder, or a recipe file that says which data it is for. */
function dataAndRecipe(
  dataArgument: string,
  options: RecipeOptions,
  place: Place,
): { data: DataSource; recipe: ChosenRecipe['recipe'] } {
  const asRecipe = isRecipePath(dataArgument);
  if (asRecipe && options.recipe !== undefined)
    throw new LodestoneError(
      'InvalidConfig',
      `--recipe: got ${options.recipe} besides ${dataArgument}, must be one recipe. Leave one of them out.`,
    );
  const flags = Object.fromEntries(
    Object.entries(flagFields).flatMap(([option, path]) => {
      const text = options[option as keyof typeof flagFields];
      if (text === undefined) return [];
      return [[path, textFields.includes(option) ? text : yamlValue(option, text)]];
    }),
  );
  if (options.profile) flags['profile'] = true;
  const chosen = chooseRecipe(
    { recipe: asRecipe ? dataArgument : (options.recipe ?? null), flags, set: options.set ?? [] },
    { folder: place.folder, recipes: recipesFolder },
  );
  if (!asRecipe) return { data: sourceOf(dataArgument, place), recipe: chosen.recipe };
  if (chosen.source === null)
    throw new LodestoneError(
      'InvalidConfig',
      `source: ${dataArgument} names no data. Add "source: {type: folder, path: …}" to it, or run: lodestone run <folder> --recipe ${dataArgument}`,
    );
  const data = chosen.source.type === 'folder' ? folderSource(chosen.source.path, place) : chosen.source;
  return { data, recipe: chosen.recipe };
}

/** `species` or `species:3` is the procedural set, by its seed, unless a folder is called so. */
function sourceOf(text: string, place: Place): DataSource {
  const seed = /^species(?::(\d+))?$/.exec(text);
  if (seed === null || existsSync(resolve(place.folder, text))) return folderSource(text, place);
  return parseAtEdge(DataSource, { type: 'species', seed: Number(seed[1] ?? 0) }, `data ${text}`);
}

function folderSource(folder: string, place: Place): DataSource {
  const path = resolve(place.folder, folder);
  if (place.dataIsLocal) requireFolder(path);
  // One folder, one name of its run, whichever link leads to it.
  return { type: 'folder', path: existsSync(path) ? realpathSync(path) : path };
}

export function requireFolder(path: string): void {
  if (!existsSync(path)) {
    const parent = dirname(path);
    const siblings = existsSync(parent)
      ? readdirSync(parent, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
      : [];
    const guess = /^Did you mean [^?]*\?/.exec(didYouMean(basename(path), siblings));
    throw new LodestoneError(
      'DataRejected',
      `data: got ${path}, which is not there. ${guess ? `${guess[0]} ` : ''}Name the folder that holds the images.`,
    );
  }
  if (!statSync(path).isDirectory())
    throw new LodestoneError(
      'DataRejected',
      `data: got ${path}, which is a file, must be a folder. Name the folder that holds the images.`,
    );
}

function nameOf({ name }: RecipeOptions, derive: () => string): string {
  return name === undefined ? derive() : givenName(name);
}

function listed(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Numbers of flags go through the schema like those of a file: `--epochs ten` is named as what it is. */
function yamlValue(option: string, text: string | undefined): unknown {
  return text === undefined ? undefined : parseAssignment(`${option}=${text}`).value;
}
