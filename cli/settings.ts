/**
 * Where a command runs: the clone it belongs to, the environment it was given and the streams it writes to.
 * Values only; commands get them as an argument, so that tests give others.
 */
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface Surroundings {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  readonly folder: string;
  readonly out: OutputStream;
  readonly err: OutputStream;
}

/** The root of this clone: the folder of package.json above this file, compiled or not. */
export const projectRoot = findRoot(__dirname);
export const recipesFolder = join(projectRoot, 'recipes');
/** Written by set-up (infra/setup/toolchain.mjs). */
export const toolchainFile = join(projectRoot, '.lodestone/toolchain.json');

/** State of the local stack and fetched reports: that of this clone, ignored by git, unless LODESTONE_STATE names a folder. */
export function stateFolder({ LODESTONE_STATE }: Surroundings['variables']): string {
  return LODESTONE_STATE || join(projectRoot, '.lodestone');
}

export function stackFolder(variables: Surroundings['variables']): string {
  return join(stateFolder(variables), 'stack');
}

export function reportFile(variables: Surroundings['variables'], run: string): string {
  return join(stateFolder(variables), 'reports', `${run}.html`);
}

export function profileFile(variables: Surroundings['variables'], run: string): string {
  return join(stateFolder(variables), 'reports', `${run}.profile.html`);
}

/** A path as the person at `folder` would type it. */
export function shownPath(folder: string, path: string): string {
  const short = relative(folder, path);
  return short.startsWith('..') || short === '' ? path : short;
}

function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder));
}
