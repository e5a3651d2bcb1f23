/**
 * The layout `root/<class>/…/image.ext`, optionally below `train|val|valid|validation|test`.
 * Gives the columns `class` (the first folder) and, where classes hold folders, `subclass` (all folders, joined by '/').
 * Hidden files and `._*` are passed over; so are files that are no images by their extension, with a note.
 */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LodestoneError } from '../../errors';
import { formatOfName } from '../image/format';
import type { DataSource, SourceRecord } from './source';
import { parseSplit } from './split-names';

export async function readClassFolders(root: string): Promise<Omit<DataSource, 'root'>> {
  const top = await listFolder(root);
  const notes: string[] = [];
  if (top.images.length > 0)
    notes.push(`${count(top.images.length, 'image')} directly in the folder left aside: they lie in no class`);

  const splitFolders = top.folders.filter((name) => parseSplit(name) !== undefined);
  const hasSplits =
    splitFolders.some((name) => parseSplit(name) === 'train') && (splitFolders.length > 1 || top.folders.length === 1);
  if (hasSplits && splitFolders.length < top.folders.length) {
    const others = top.folders.filter((name) => parseSplit(name) === undefined);
    throw new LodestoneError(
      'DataRejected',
      `data set ${root}: ${splitFolders.join(', ')} are splits, but ${quoteSome(others)} beside them ${others.length === 1 ? 'is' : 'are'} not. ` +
        'Put every class inside a split folder, or none.',
    );
  }

  const classes = hasSplits
    ? (
        await Promise.all(
          splitFolders.map(async (name) =>
            (await listFolder(join(root, name))).folders.map((inner) => `${name}/${inner}`),
          ),
        )
      ).flat()
    : top.folders;
  const records: SourceRecord[] = [];
  let passedOver = top.others;
  for (const folder of classes) {
    const split = hasSplits ? parseSplit(folder.split('/')[0]) : undefined;
    const found = await listImages(root, folder, new Set());
    passedOver += found.others;
    if (found.images.length === 0) {
      throw new LodestoneError(
        'DataRejected',
        `class folder ${folder}: holds no image. Put images into it, or delete the folder.`,
      );
    }
    for (const path of found.images) records.push(recordOf(path, split, hasSplits ? 1 : 0));
  }
  if (records.length === 0) throw noImages(root);
  if (passedOver > 0) notes.push(`${count(passedOver, 'file')} left aside: no image by the extension`);

  const nested = records.some(({ columns }) => columns['class'] !== columns['subclass']);
  return {
    layout: 'class-folders',
    columnNames: nested ? ['class', 'subclass'] : ['class'],
    records: nested ? records : records.map((record) => ({ ...record, columns: { class: record.columns['class'] } })),
    notes,
  };
}

function recordOf(path: string, split: SourceRecord['split'], skippedFolders: number): SourceRecord {
  const folders = path.split('/').slice(skippedFolders, -1);
  return { path, split, columns: { class: folders[0], subclass: folders.join('/') }, where: path };
}

interface Listing {
  readonly folders: string[];
  readonly images: string[];
  /** Files that are no images by their extension. */
  readonly others: number;
}

/** The visible entries of one folder; symbolic links count as what they point to. */
async function listFolder(path: string): Promise<Listing> {
  const listing = { folders: [] as string[], images: [] as string[], others: 0 };
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue; // `._*` included
    switch (await kindOf(path, entry)) {
      case 'folder':
        listing.folders.push(entry.name);
        break;
      case 'file':
        if (formatOfName(entry.name)) listing.images.push(entry.name);
        else listing.others++;
        break;
      case 'other':
        listing.others++;
    }
  }
  return listing;
}

/** Every image below a folder, as paths from the root. A link back to a folder above is followed once. */
async function listImages(
  root: string,
  folder: string,
  seen: Set<string>,
): Promise<{ images: string[]; others: number }> {
  const real = await realpath(join(root, folder));
  if (seen.has(real)) return { images: [], others: 0 };
  seen.add(real);
  const listing = await listFolder(real);
  const found = { images: listing.images.map((name) => `${folder}/${name}`), others: listing.others };
  for (const name of listing.folders) {
    const below = await listImages(root, `${folder}/${name}`, seen);
    found.images.push(...below.images);
    found.others += below.others;
  }
  return found;
}

async function kindOf(parent: string, entry: Dirent): Promise<'folder' | 'file' | 'other'> {
  const status = entry.isSymbolicLink() ? await stat(join(parent, entry.name)).catch(() => undefined) : entry;
  if (status?.isDirectory()) return 'folder';
  return status?.isFile() ? 'file' : 'other';
}

function noImages(root: string): LodestoneError {
  return new LodestoneError(
    'DataRejected',
    `data set ${root}: holds no image in a class folder. Give it the layout <class>/<image>.jpg, or a metadata.csv with a path column.`,
  );
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

function quoteSome(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
