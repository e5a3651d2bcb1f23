/**
 * The layout "table beside the images": CSV (RFC 4180, header line) or JSONL (one object a line).
 * One column holds the path (`file_name`, `path` or `image`), one may hold the split, every other is a label or attribute.
 * All of the table is checked here, at the edge: each complaint names the table and the line.
 */
import { readFile, stat } from 'node:fs/promises';
import { extname, join, posix } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import type { SplitName } from '../../config/artifacts';
import { didYouMean } from '../../config/did-you-mean';
import { LodestoneError } from '../../errors';
import type { DataSource, SourceRecord } from './source';
import { parseSplit, splitWords } from './split-names';

/** Tables that are found without being named. */
export const tableNames = ['metadata.csv', 'metadata.jsonl'] as const;

export async function readTable(
  root: string,
  table: string,
  splitColumn: string | null,
): Promise<Omit<DataSource, 'root'>> {
  const text = decodeUtf8(await readFile(join(root, table)), table);
  const { header, rows } =
    extname(table).toLowerCase() === '.jsonl' ? parseJsonLines(text, table) : parseCsv(text, table);
  if (rows.length === 0) throw rejected(table, 'holds no row', 'It needs one row for each image');
  const pathColumn = findPathColumn(header, table);
  const split = findSplitColumn(header, table, splitColumn);

  const columnNames = header.filter((name) => name !== pathColumn && name !== split);
  const records: SourceRecord[] = [];
  const lineOfPath = new Map<string, number>();
  for (const { line, cells } of rows) {
    const where = `${table} line ${line}`;
    const path = checkedPath(cells[pathColumn] ?? '', where, pathColumn);
    const earlier = lineOfPath.get(path);
    if (earlier !== undefined)
      throw rejected(where, `${pathColumn} ${path} stands on line ${earlier} already`, 'Each image may have one row');
    lineOfPath.set(path, line);
    records.push({
      path,
      split: split === undefined ? undefined : checkedSplit(cells[split] ?? '', where, split),
      columns: Object.fromEntries(columnNames.map((name) => [name, cells[name] ?? ''])),
      where,
    });
  }
  await checkFilesExist(root, table, records);
  return { layout: 'table', columnNames, records, notes: [] };
}

interface Rows {
  readonly header: readonly string[];
  readonly rows: readonly { readonly line: number; readonly cells: Readonly<Record<string, string>> }[];
}

const PATH_COLUMNS = ['file_name', 'path', 'image'] as const;
const SPLIT_COLUMN = 'split';

function parseCsv(text: string, table: string): Rows {
  let parsed: { info: { lines: number }; record: string[] }[];
  try {
    parsed = parse(text, { info: true, relax_column_count: true, skip_empty_lines: true }) as unknown as typeof parsed;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const isOpen = cause.code === 'CSV_QUOTE_NOT_CLOSED';
    const line = isOpen ? lineOfOpenQuote(text) : cause['lines'];
    throw rejected(
      `${table} line ${typeof line === 'number' ? line : 'unknown'}`,
      isOpen ? 'a quote is opened and never closed' : cause.message,
      'Quote a cell that holds a comma, a quote or a line break, and double the quotes in it',
      cause,
    );
  }
  const header = checkedHeader(parsed[0]?.record ?? [], table);
  const rows = parsed.slice(1).map(({ info, record }) => {
    if (record.length !== header.length) {
      throw rejected(
        `${table} line ${info.lines}`,
        `has ${record.length} cells, the header has ${header.length}`,
        'Quote a cell that holds a comma',
      );
    }
    return { line: info.lines, cells: Object.fromEntries(header.map((name, i) => [name, record[i]])) };
  });
  return { header, rows };
}

/** The parser names the last line of the file; the row that swallows the rest begins after the last one it finds whole. */
function lineOfOpenQuote(text: string): number {
  const lines = text.split('\n');
  let quotes = 0;
  let begins = 1;
  for (const [index, line] of lines.entries()) {
    if (quotes % 2 === 0) begins = index + 1;
    quotes += line.split('"').length - 1;
  }
  return begins;
}

const Cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const JsonRow = z.record(z.string(), Cell);

function parseJsonLines(text: string, table: string): Rows {
  const names = new Set<string>();
  const rows: Rows['rows'][number][] = [];
  for (const [index, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    const where = `${table} line ${index + 1}`;
    const row = JsonRow.safeParse(parseJson(content, where), { reportInput: true });
    if (!row.success) {
      const column = row.error.issues[0]?.path.join('.');
      throw rejected(
        where,
        column ? `${column} is neither text, number, boolean nor null` : 'is not a JSON object',
        'Each line is one object of plain values',
        row.error,
      );
    }
    for (const name of Object.keys(row.data)) names.add(name);
    const cells = Object.entries(row.data).map(([name, cell]) => [name, cell === null ? '' : String(cell)] as const);
    rows.push({ line: index + 1, cells: Object.fromEntries(cells) });
  }
  return { header: checkedHeader([...names], table), rows };
}

function parseJson(content: string, where: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch (cause) {
    throw rejected(where, 'is not valid JSON', 'Each line is one object of plain values', cause);
  }
}

function decodeUtf8(bytes: Uint8Array, table: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n'); // drops a byte order mark too
  } catch (cause) {
    throw rejected(table, 'is not UTF-8 text', 'Save it as UTF-8', cause);
  }
}

function checkedHeader(names: readonly string[], table: string): string[] {
  const header = names.map((name) => name.trim());
  header.forEach((name, i) => {
    if (name === '') throw rejected(`${table} line 1`, `column ${i + 1} has no name`, 'Name it, or remove the column');
    if (header.indexOf(name) !== i)
      throw rejected(`${table} line 1`, `column ${name} stands twice`, 'Rename one of the two');
  });
  return header;
}

function findPathColumn(header: readonly string[], table: string): string {
  const found = PATH_COLUMNS.filter((name) => header.includes(name));
  if (found.length === 1) return found[0];
  if (found.length === 0) {
    throw rejected(
      table,
      `has the columns ${header.join(', ')}, none of them named ${PATH_COLUMNS.join(', ')}`,
      'Name the column of the paths so',
    );
  }
  throw rejected(table, `has the columns ${found.join(' and ')}, only one may hold the paths`, 'Rename the others');
}

function findSplitColumn(header: readonly string[], table: string, named: string | null): string | undefined {
  if (named === null) return header.includes(SPLIT_COLUMN) ? SPLIT_COLUMN : undefined;
  if (header.includes(named)) return named;
  throw rejected(table, `has no split column ${named}`, didYouMean(named, header));
}

/** A relative path with '/', in its shortest form, that stays under the folder of the table. */
function checkedPath(cell: string, where: string, column: string): string {
  const bad = (rule: string): LodestoneError =>
    rejected(
      where,
      `${column} is ${JSON.stringify(cell)}, ${rule}`,
      'Paths are relative to the folder of the table and stay in it',
    );
  if (cell === '') throw bad('must not be empty');
  if (cell.includes('\0')) throw bad('must not hold a zero byte');
  if (cell.includes('\\')) throw bad("must use '/' between folders");
  if (posix.isAbsolute(cell) || /^[a-z]:|^[a-z]+:\/\//i.test(cell)) throw bad('must be relative');
  const path = posix.normalize(cell);
  if (path === '..' || path.startsWith('../')) throw bad('must not leave the folder');
  if (path === '.' || path.endsWith('/')) throw bad('must name a file');
  return path;
}

function checkedSplit(cell: string, where: string, column: string): SplitName {
  const split = parseSplit(cell.trim());
  if (split === undefined) throw rejected(where, `${column} is ${JSON.stringify(cell)}`, `It must be ${splitWords}`);
  return split;
}

const MISSING_SHOWN = 5;
const STATS_IN_FLIGHT = 64;

async function checkFilesExist(root: string, table: string, records: readonly SourceRecord[]): Promise<void> {
  const missing: SourceRecord[] = [];
  for (let start = 0; start < records.length; start += STATS_IN_FLIGHT) {
    const group = records.slice(start, start + STATS_IN_FLIGHT);
    const found = await Promise.all(
      group.map(({ path }) =>
        stat(join(root, path)).then(
          (status) => status.isFile(),
          () => false,
        ),
      ),
    );
    missing.push(...group.filter((_record, i) => !found[i]));
  }
  if (missing.length === 0) return;
  const shown = missing.slice(0, MISSING_SHOWN).map(({ path, where }) => `${path} (${where.slice(table.length + 1)})`);
  const more = missing.length > MISSING_SHOWN ? ` and ${missing.length - MISSING_SHOWN} more` : '';
  throw rejected(
    table,
    `names ${missing.length} file${missing.length === 1 ? '' : 's'} that ${root} does not hold: ${shown.join(', ')}${more}`,
    'Remove the rows, or bring the files',
  );
}

function rejected(what: string, rule: string, remedy: string, cause?: unknown): LodestoneError {
  return new LodestoneError('DataRejected', `${what}: ${rule}. ${remedy}.`, { cause });
}
