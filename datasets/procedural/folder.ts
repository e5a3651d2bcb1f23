/**
 * Writes the procedural set as a folder of PNG files with a metadata.csv, so that it enters by the same door as any data set.
 * Knows paths and bytes; the pictures are species.ts's.
 *
 * Invariants:
 *   F1  The folder appears whole or not at all: it is filled beside its place and renamed; species.json is in it by then.
 *   F2  A second call with the same options and version writes nothing; a folder of anything else is never touched.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { LodestoneError } from '../../errors';
import { encodePng } from './png';
import { generateSpecies, SPECIES_VERSION, type SpeciesImage, type SpeciesOptions } from './species';

export interface SpeciesFolder {
  readonly directory: string;
  readonly images: number;
  /** sha256 over metadata.csv and every image file, in the order of the table. */
  readonly digest: string;
  /** False where the folder already held this very set. */
  readonly written: boolean;
}

/** @param onImage called after each image with the number written so far */
export async function writeSpeciesFolder(
  directory: string,
  options: SpeciesOptions,
  onImage: (done: number) => void = () => undefined,
): Promise<SpeciesFolder> {
  const target = resolve(directory);
  const held = await heldSet(target, options);
  if (held) return held;

  const partial = join(dirname(target), `.${basename(target)}.partial-${randomUUID()}`);
  await mkdir(dirname(target), { recursive: true });
  await mkdir(partial);
  try {
    await removeAbandoned(target, partial);
    const made = await fill(partial, options, onImage);
    try {
      await rename(partial, target);
    } catch (cause) {
      const winner = await heldSet(target, options); // another writer was first, with the same bytes
      if (winner) return winner;
      throw cause;
    }
    return { ...made, directory: target, written: true };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new LodestoneError(
      'DiskFull',
      `folder ${target}: there is no space left to write the procedural set. Free some, or name another folder.`,
      {
        cause,
      },
    );
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

const MARKER = 'species.json';
const ABANDONED_AFTER_MS = 3_600_000;

const Marker = z.strictObject({
  version: z.int(),
  options: z.strictObject({
    seed: z.int(),
    coarseClasses: z.int(),
    speciesPerClass: z.int(),
    imagesPerSpecies: z.int(),
    size: z.int(),
  }),
  images: z.int(),
  digest: z.string(),
});

async function fill(
  directory: string,
  options: SpeciesOptions,
  onImage: (done: number) => void,
): Promise<{ images: number; digest: string }> {
  const rows = ['path,split,coarse,fine,texture'];
  const files = createHash('sha256');
  const folders = new Set<string>();
  for (const image of generateSpecies(options)) {
    const folder = dirname(join(directory, image.path));
    if (!folders.has(folder)) await mkdir(folder, { recursive: true });
    folders.add(folder);
    const bytes = encodePng(image.pixels, options.size, options.size);
    await writeFile(join(directory, image.path), bytes);
    files.update(bytes);
    rows.push(row(image));
    onImage(rows.length - 1);
  }
  const table = rows.join('\n') + '\n';
  await writeFile(join(directory, 'metadata.csv'), table);
  const made = { images: rows.length - 1, digest: files.update(table).digest('hex') };
  const { seed, coarseClasses, speciesPerClass, imagesPerSpecies, size } = options;
  const marker = {
    version: SPECIES_VERSION,
    options: { seed, coarseClasses, speciesPerClass, imagesPerSpecies, size },
    ...made,
  };
  await writeFile(join(directory, MARKER), JSON.stringify(marker, null, 2) + '\n');
  return made;
}

function row({ path, split, coarse, fine, texture }: SpeciesImage): string {
  return [path, split, coarse, fine, texture].join(',');
}

/** The set that the folder holds if it is the one asked for; undefined where there is none yet. */
async function heldSet(target: string, options: SpeciesOptions): Promise<SpeciesFolder | undefined> {
  const entries = await readdir(target).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw cause;
  });
  if (entries.length === 0) return undefined;
  if (!entries.includes(MARKER)) throw occupied(target);
  const marker = Marker.safeParse(parseJson(await readFile(join(target, MARKER), 'utf8')));
  if (!marker.success || marker.data.version !== SPECIES_VERSION || !sameOptions(marker.data.options, options)) {
    throw occupied(target, marker.error);
  }
  return { directory: target, images: marker.data.images, digest: marker.data.digest, written: false };
}

function sameOptions(a: SpeciesOptions, b: SpeciesOptions): boolean {
  return (
    a.seed === b.seed &&
    a.coarseClasses === b.coarseClasses &&
    a.speciesPerClass === b.speciesPerClass &&
    a.imagesPerSpecies === b.imagesPerSpecies &&
    a.size === b.size
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function occupied(target: string, cause?: unknown): LodestoneError {
  return new LodestoneError(
    'InvalidConfig',
    `folder ${target}: holds something else than this procedural set, and nothing there is overwritten. ` +
      'Name another folder, or delete that one.',
    { cause },
  );
}

/** Half-filled folders that a killed writer left beside the target long ago, by the file system's own clock. */
async function removeAbandoned(target: string, fresh: string): Promise<void> {
  const prefix = `.${basename(target)}.partial-`;
  const now = (await stat(fresh)).mtimeMs;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const path = join(dirname(target), name);
    const modified = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => now,
    ); // gone already: another writer's
    if (now - modified > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}
