/**
 * node_modules as package-lock.json wants it. Knows npm's two lock files. `npm ci` writes the hidden one last, so an
 * interrupted installation shows as a missing file and is done again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './paths.mjs';
import { run } from './process.mjs';

/** Installs when something is missing or has another version. @returns whether it did */
export async function setUpNodeModules({ say, root = projectRoot }) {
  const difference = firstDifference(root);
  if (difference === undefined) return false;

  say(`npm ci (${difference})`);
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm === undefined ? ['npm'] : [process.execPath, npm];
  await run(
    command,
    [...args, 'ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--include=dev'],
    { cwd: root },
  );
  return true;
}

/** In words, the first thing in which node_modules is not what the lock file says; undefined when there is none. */
export function firstDifference(root = projectRoot) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (wanted === undefined)
    throw new Error(
      `${join(root, 'package-lock.json')} is missing: it pins every dependency. Restore it with: git checkout package-lock.json`,
    );
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'));
  if (installed === undefined) return 'node_modules is missing or incomplete';

  for (const [path, { version, optional }] of Object.entries(wanted)) {
    if (path === '') continue; // the project itself
    const found = installed[path];
    if (found === undefined && !optional) return `${path} is missing`;
    if (found !== undefined && found.version !== version) return `${path} is ${found.version}, must be ${version}`;
  }
  return undefined;
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
