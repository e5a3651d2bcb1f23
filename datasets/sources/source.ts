/**
 * One record list out of every layout: reads what is where and what it is called, and no pixel.
 * Knows the two layouts (table.ts, class-folders.ts) and their common shape. Does not choose labels (labels.ts), split
 * (splits.ts) or decode (decode.ts).
 */
import { readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LodestoneError } from '../../errors';
import type { SplitName } from '../../config/artifacts';
import type { DataOptions } from '../../config/recipe';
import { compareBytes } from '../../learning/byte-order';
import { readClassFolders } from './class-folders';
import { readTable, tableNames } from './table';

export interface SourceRecord {
  /** Relative to the root, with '/': the record's key everywhere. */
  readonly path: string;
  /** The split that the data set itself gives; undefined where it gives none. */
  readonly split: SplitName | undefined;
  /** Every column but path and split, as text; '' where the cell is empty. */
  readonly columns: Readonly<Record<string, string>>;
  /** For messages: `metadata.csv line 17`, or the path itself. */
  readonly where: string;
}

export interface DataSource {
  readonly root: string;
  readonly layout: 'table' | 'class-folders';
  /** Names of the columns, in the order of the table. */
  readonly columnNames: readonly string[];
  /** Sorted bytewise by path. */
  readonly records: readonly SourceRecord[];
  /** What the reader left aside or noticed, one sentence each. */
  readonly notes: readonly string[];
}

/** Of the recipe's `data`: the table's file name and the column of the split; null: the usual ones where there are such. */
export type SourceOptions = Pick<DataOptions, 'table' | 'splitColumn'>;

export async function readSource(directory: string, options: SourceOptions): Promise<DataSource> {
  const root = resolve(directory);
  const status = await stat(root).catch((cause: NodeJS.ErrnoException) => {
    throw new LodestoneError(
      'DataRejected',
      `data set ${root}: ${explain(cause)}. Name the folder that holds the images.`,
      {
        cause,
      },
    );
  });
  if (!status.isDirectory()) {
    throw new LodestoneError(
      'DataRejected',
      `data set ${root}: is a file, must be a folder. Name the folder that holds the images.`,
    );
  }
  const table = await findTable(root, options.table);
  const source = table === undefined ? await readClassFolders(root) : await readTable(root, table, options.splitColumn);
  const records = [...source.records].sort((a, b) => compareBytes(a.path, b.path));
  return { root, ...source, records };
}

async function findTable(root: string, named: string | null): Promise<string | undefined> {
  const entries = new Set(await readdir(root));
  if (named !== null) {
    if (entries.has(named)) return named;
    throw new LodestoneError(
      'DataRejected',
      `table ${named}: there is no such file in ${root}. Name a CSV or JSONL file that lies in it.`,
    );
  }
  const found = tableNames.filter((name) => entries.has(name));
  if (found.length > 1) {
    throw new LodestoneError(
      'DataRejected',
      `data set ${root}: holds ${found.join(' and ')}, must hold one table. Remove one, or say which with the table option.`,
    );
  }
  return found[0];
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such folder';
  return code === 'EACCES' || code === 'EPERM' ? 'may not be read by this user' : message;
}
