/** lodestone data inspect, validate, synth: what would be read of a folder, and the procedural set as one. */
import { resolve } from 'node:path';
import { parseAtEdge } from '../../config/parse';
import type { Recipe } from '../../config/recipe';
import { DataSource } from '../../config/workflow-input';
import type { Scan } from '../../datasets/scan';
import type { Context } from '../context';
import { chooseRecipe, parseAssignment } from '../recipe-file';
import { recipesFolder, shownPath } from '../settings';
import { textTable } from '../../report/text-table';
import { counted as howMany } from '../../report/wording';
import { requireFolder } from './requests';

export interface InspectOptions {
  readonly recipe?: string | undefined;
  readonly label?: string | undefined;
  readonly fineLabel?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

const CLASSES_SHOWN = 12;
const PROBLEMS_SHOWN = 20;

/** @param decode also opens every image, as preprocessing will */
export async function inspect(
  context: Context,
  folder: string,
  options: InspectOptions,
  decode: boolean,
): Promise<number> {
  const path = resolve(context.folder, folder);
  requireFolder(path);
  const flags = {
    ...(options.label === undefined ? {} : { 'data.label': options.label }),
    ...(options.fineLabel === undefined ? {} : { 'data.fineLabel': options.fineLabel }),
  };
  const { recipe } = chooseRecipe(
    { recipe: options.recipe ?? null, flags, set: options.set ?? [] },
    { folder: context.folder, recipes: recipesFolder },
  );
  const { scanDataSet } = await import('../../datasets/scan');
  const scan = await scanDataSet(path, recipe.data);
  const problems = decode ? await problemsOf(scan, recipe) : [];
  const { label, fineLabel } = scan.choice;
  const classes = counted(scan.records.map(({ labels }) => labels[label]));
  const fineClasses = fineLabel === undefined ? null : counted(scan.records.map(({ labels }) => labels[fineLabel]));
  const splits = counted(scan.records.map(({ split }) => split));
  const columns = { labels: Object.keys(scan.records[0].labels), attributes: Object.keys(scan.records[0].attributes) };
  const duplicates = scan.records.length - new Set(scan.records.map(({ sha256 }) => sha256)).size;
  if (options.json) {
    const facts = {
      folder: path,
      images: scan.records.length,
      label,
      fineLabel: fineLabel ?? null,
      columns,
      duplicates,
      notes: scan.notes,
      problems,
    };
    context.print(
      JSON.stringify({ ...facts, classes: Object.fromEntries(classes), splits: Object.fromEntries(splits) }),
    );
    return problems.length > 0 ? 3 : 0;
  }
  context.print(
    `${shownPath(context.folder, path)}: ${scan.records.length} images, label ${label} (${classes.size} classes)${fineLabel === undefined ? '' : `, fine label ${fineLabel} (${fineClasses?.size ?? 0} classes)`}`,
  );
  context.print(
    `columns: labels ${columns.labels.join(', ')}${columns.attributes.length > 0 ? `; attributes ${columns.attributes.join(', ')}` : ''}`,
  );
  context.print(textTable([['split', 'images'], ...[...splits].map(([split, images]) => [split, String(images)])]));
  context.print(
    textTable([
      [label, 'images'],
      ...[...classes].slice(0, CLASSES_SHOWN).map(([name, images]) => [name, String(images)]),
    ]),
  );
  if (classes.size > CLASSES_SHOWN) context.print(`… and ${classes.size - CLASSES_SHOWN} more classes`);
  if (duplicates > 0) context.print(`${howMany(duplicates, 'file has', 'files have')} the bytes of another one`);
  for (const note of scan.notes) context.print(`note: ${note}`);
  for (const { path: file, problem } of problems.slice(0, PROBLEMS_SHOWN))
    context.print(`problem: ${file}: ${problem}`);
  if (problems.length > PROBLEMS_SHOWN) context.print(`… and ${problems.length - PROBLEMS_SHOWN} more`);
  if (decode) context.print(verdict(problems.length, scan.records.length, recipe.data.maxQuarantined));
  return problems.length > 0 ? 3 : 0;
}

interface Problem {
  readonly path: string;
  readonly problem: string;
}

/** What of the scan cannot be decoded, and why. */
async function problemsOf({ root, records }: Scan, { network, data }: Recipe): Promise<Problem[]> {
  const { decodeImage } = await import('../../datasets/decode');
  const { withImageFile } = await import('../../datasets/image-file');
  const { mapInFlight } = await import('../../datasets/in-flight');
  const { FILES_IN_FLIGHT } = await import('../../datasets/pack');
  const { viewFor } = await import('../../datasets/view');
  const view = viewFor(network.inputSize, data);
  const problems = await mapInFlight(records, FILES_IN_FLIGHT, ({ path }) =>
    withImageFile(root, path, async ({ bytes }): Promise<Problem[]> => {
      const outcome = await decodeImage(bytes, path, view, data);
      return outcome.type === 'quarantined' ? [{ path, problem: `${outcome.kind}: ${outcome.reason}` }] : [];
    }),
  );
  return problems.flat();
}

/** What a run would do about it. */
function verdict(problems: number, images: number, maxQuarantined: number): string {
  if (problems === 0) return 'every image can be read';
  const them = problems === 1 ? 'it' : 'them';
  const many = `${howMany(problems, 'image')} would go to quarantine`;
  if (problems <= images * maxQuarantined)
    return `${many}: a run trains without ${them}. To train with ${them}, repair ${them}.`;
  return (
    `${many}: a run would refuse the folder, since at most ${Number((maxQuarantined * 100).toFixed(2))} % are accepted. ` +
    `Repair or remove ${them}, or accept a larger share (--set data.maxQuarantined=…).`
  );
}

export async function synth(
  context: Context,
  folder: string,
  { set = [] }: { readonly set?: readonly string[] | undefined },
): Promise<number> {
  const chosen = Object.fromEntries(set.map(parseAssignment).map(({ path, value }) => [path, value]));
  const source = parseAtEdge(DataSource, { type: 'species', ...chosen }, 'data synth');
  if (source.type !== 'species') return 2;
  const { type: _, ...options } = source;
  const { writeSpeciesFolder } = await import('../../datasets/procedural/folder');
  const made = await writeSpeciesFolder(resolve(context.folder, folder), options);
  context.print(
    `${made.directory}: ${made.images} images, ${made.written ? 'written' : 'already there'}, sha256 ${made.digest}`,
  );
  context.print(`Train on it: npx lodestone compare ${folder} --label coarse --fine-label fine`);
  return 0;
}

/** Most frequent first, ties by name. */
function counted(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return new Map([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
