/**
 * Names of runs. The same command makes the same name, so that it finds its run again; a name is workflow id and key prefix.
 */
import { basename } from 'node:path';
import { digestOf } from '../config/canonical-json';
import { parseAtEdge } from '../config/parse';
import { freeFields, type Recipe } from '../config/recipe';
import { RunName, type DataSource } from '../config/workflow-input';

const LONGEST = 63;

/** What decides a result; `also`: what the kind of run adds, such as the objectives of a comparison. */
export interface Configuration {
  readonly data: DataSource;
  readonly recipe: Recipe;
  readonly kind: string;
  readonly also?: unknown;
}

export function givenName(name: string): string {
  return parseAtEdge(RunName, name, `run name "${name}"`);
}

/** One of the runs of a comparison or recovery, called `<parent>--<objective>`; RunName has no `--`. */
export function isChildName(run: string): boolean {
  return run.includes('--');
}

/** Whether it is one that a run, or what began runs, has in a store; a store may hold other things. */
export function isRunOrChild(name: string): boolean {
  return name.split('--').every((part) => RunName.safeParse(part).success);
}

/** A run's own name, and before it those of the comparison or recovery, and of the pairing, that began it. */
export function nameAndParents(run: string): string[] {
  const parts = run.split('--');
  return parts.map((_, i) => parts.slice(0, i + 1).join('--'));
}

/** `<folder>-<objective or kind>-<8 hex of the configuration's digest>` */
export function derivedName({ data, recipe, kind, also = null }: Configuration): string {
  const deciding = Object.fromEntries(
    Object.entries(recipe).filter(([field]) => !(freeFields as readonly string[]).includes(field)),
  );
  const digest = digestOf({ data, recipe: deciding, kind, also }).slice(0, 8);
  const tail = `-${kind === 'run' ? recipe.objective : kind}-${digest}`;
  return `${slug(data)
    .slice(0, LONGEST - tail.length)
    .replace(/-+$/, '')}${tail}`;
}

/** The n-th name after a name: what `--again` trains under. */
export function nameAgain(name: string, n: number): string {
  const tail = `-${n}`;
  return `${name.slice(0, LONGEST - tail.length).replace(/-+$/, '')}${tail}`;
}

function slug(data: DataSource): string {
  const text = data.type === 'species' ? 'species' : basename(data.path);
  const plain = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return plain === '' ? 'data' : plain;
}
