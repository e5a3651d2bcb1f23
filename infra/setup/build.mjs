/**
 * dist/: the TypeScript sources compiled, and the workflow code bundled for workers. Built only when a source changed.
 * Knows which files count as sources and where the stamp lies. Types are checked by `npm run typecheck`, not here, so
 * that a build takes seconds.
 *
 * Invariants:
 *   1  The stamp is written last: a build that was interrupted, or whose sources changed meanwhile, is not up to date.
 *   2  While a build is under way dist/ holds a marker; a build that finds one starts from an empty dist/.
 *   3  One build at a time (lock); who waited looks at the stamp again before building.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './cache.mjs';
import { projectRoot } from './paths.mjs';
import { run } from './process.mjs';

const rooms = [
  'activities',
  'bench',
  'cli',
  'config',
  'datasets',
  'engine',
  'infra',
  'learning',
  'report',
  'storage',
  'workflows',
];
const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const bundler = fileURLToPath(new URL('bundle-workflows.mjs', import.meta.url));
const bundleName = 'workflow-bundle.js';
/** What the workflow bundle can contain of ours (STYLE.md's import table). */
const bundledRooms = ['workflows', 'config'];

/** True when dist/ was built from the sources as they are now; a few milliseconds. */
export function buildIsCurrent(root = projectRoot) {
  try {
    return readFileSync(join(root, 'dist/.build'), 'utf8') === sourcesFingerprint(root);
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Builds when needed. @returns whether it did */
export async function build({ say, root = projectRoot }) {
  if (buildIsCurrent(root)) return false;

  return withLock(
    `${root}:build`,
    () => say('another build is under way; waiting for it'),
    async () => {
      if (buildIsCurrent(root)) return false;

      const dist = join(root, 'dist');
      const marker = join(dist, '.building');
      if (existsSync(marker)) await rm(dist, { recursive: true, force: true });
      await mkdir(dist, { recursive: true });
      await writeFile(marker, '');

      const fingerprint = sourcesFingerprint(root);
      say('compiling TypeScript');
      await run(
        process.execPath,
        [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')],
        { cwd: root },
      );
      await removeOrphans(root, dist);
      await bundleWorkflows(root, dist, say);

      await writeWhole(join(dist, '.build'), fingerprint);
      await rm(marker);
      return true;
    },
  );
}

function sourcesFingerprint(root) {
  const hash = createHash('sha256');
  for (const file of [...sourceFiles(root), ...settings]) {
    const found = statSync(join(root, file), { throwIfNoEntry: false });
    if (found) hash.update(`${file}\n${found.size}\n${found.mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function* sourceFiles(root) {
  for (const entry of readdirSync(root)) if (isSource(entry)) yield entry;
  for (const room of rooms) {
    if (existsSync(join(root, room))) yield* filesBelow(root, room, isSource);
  }
}

function* filesBelow(root, folder, wanted) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, path, wanted);
    else if (wanted(entry.name)) yield path;
  }
}

function isSource(name) {
  return name.endsWith('.ts') && !name.endsWith('.d.ts');
}

/** Compiled files whose source is gone must not be found by a `require`. */
async function removeOrphans(root, dist) {
  for (const file of compiledFiles(dist, rooms)) {
    if (!existsSync(join(root, file.replace(/\.js$/, '.ts'))))
      await Promise.all([rm(join(dist, file)), rm(join(dist, `${file}.map`), { force: true })]);
  }
}

/** Paths below dist/ of what tsc wrote: the files of these rooms, after those of the root. */
function* compiledFiles(dist, folders) {
  const isCompiled = (name) => name.endsWith('.js');
  yield* readdirSync(dist)
    .filter((name) => isCompiled(name) && name !== bundleName)
    .sort();
  for (const folder of folders) if (existsSync(join(dist, folder))) yield* filesBelow(dist, folder, isCompiled);
}

async function bundleWorkflows(root, dist, say) {
  if (!existsSync(join(dist, 'workflows/index.js'))) return;

  const stamp = join(dist, '.workflow-bundle');
  const fingerprint = await contentFingerprint(root, dist);
  const bundle = join(dist, bundleName);
  if (existsSync(bundle) && (await readFile(stamp, 'utf8').catch(() => '')) === fingerprint) return;

  say('bundling the workflows');
  await run(process.execPath, [bundler, join(dist, 'workflows/index.js'), bundle], { cwd: root });
  await writeWhole(stamp, fingerprint);
}

async function contentFingerprint(root, dist) {
  const hash = createHash('sha256');
  for (const file of compiledFiles(dist, bundledRooms))
    hash.update(`${file}\n`).update(await readFile(join(dist, file)));
  return hash.update(await readFile(join(root, 'package-lock.json'))).digest('hex');
}

async function writeWhole(file, text) {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}
