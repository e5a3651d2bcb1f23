/**
 * Tables of figures: printed at the end of a bench, kept in docs/benchmarks.json, and turned into docs/benchmarks.md.
 * Nothing in that page is typed by hand; a table that was not measured again keeps its last figures. Knows tables; does
 * not know what is measured.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { processors } from './machine';

export const projectRoot = resolve(__dirname, '../../..');

export interface Table {
  /** Section of the page: the name of the bench. */
  readonly bench: string;
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly about: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Below the table: what failed, what was fused, what deviates. */
  readonly notes: readonly string[];
}

export type Kept = readonly (Table & { readonly date: string; readonly machine: string; readonly command: string })[];

/** Benches as sections, in this order; others follow by name. */
const introductions: Readonly<Record<string, string>> = {
  'train-step':
    'One training step: images as bytes in, crop and normalisation, forward, backward, update, losses out. The peers start ' +
    'from a float tensor that is ready, as the rows "from floats" do. Same network, batch, loss and SGD with momentum everywhere.',
  ops: 'Kernel times by TensorFlow’s own statistics, of a step that is traced and therefore slower: where a step spends its time.',
  forward:
    'One forward pass of inference on a float tensor that is ready. The rows "from bytes" are what refreshes and ' +
    'evaluations run: upload of stored images, crop and normalisation included, which the peers are spared.',
  preprocess:
    'Photos on disk to records in shards, by the activities that a worker runs: read, hash and compare with the scan, check, ' +
    'decode, scale, lay out, write to a store on the disk. Bare sharp reads, decodes and scales the same files in as many lanes ' +
    'and keeps the pixels in memory. Then how long a training session waits for the batches that it asks for.',
  retrieval:
    'Precision@1, recall@k and MAP@R of a set within itself, nearest neighbours included. The peer is the calculator of ' +
    'pytorch-metric-learning at its fast setting; the bench fails where values differ.',
  'start-up': 'What a person waits for before anything begins, beside what Node and its libraries take alone.',
  durable:
    'Runs of the product on a local stack of their own (Temporal dev server, MinIO, one worker) beside the same training ' +
    'without any of it. The bench fails unless both lead to the same bits.',
  memory: 'Resident memory of the processes of a run, and of the network of the paper.',
  pipeline: 'The product from photos on disk to the report, on a stack of its own.',
  growth: 'How cost grows with the number of images and of clusters; each size in a process of its own.',
};

/** Replaces the tables of the same bench and title, adds the others, and writes both files. */
export function record(tables: readonly Table[], command: string): void {
  const path = join(projectRoot, 'docs/benchmarks.json');
  const kept = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Kept) : [];
  const stamp = { date: new Date().toISOString().slice(0, 10), machine: machine(), command };
  const all = merged(
    kept,
    tables.map((table) => ({ ...table, ...stamp })),
  );
  writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(join(projectRoot, 'docs/benchmarks.md'), pageOf(all));
}

export function merged(kept: Kept, fresh: Kept): Kept {
  const key = ({ bench, title }: Table): string => `${bench}\n${title}`;
  const byKey = new Map([...kept, ...fresh].map((table) => [key(table), table]));
  const known = Object.keys(introductions);
  const place = ({ bench }: Table): number => (known.includes(bench) ? known.indexOf(bench) : known.length);
  return [...byKey.values()].sort(
    (a, b) => place(a) - place(b) || (a.bench < b.bench ? -1 : a.bench > b.bench ? 1 : 0),
  );
}

export function pageOf(tables: Kept): string {
  const benches = [...new Set(tables.map(({ bench }) => bench))];
  const sections = benches.flatMap((bench) => [
    `## ${bench}`,
    '',
    ...(bench in introductions ? [introductions[bench], ''] : []),
    ...tables.filter((table) => table.bench === bench).flatMap(sectionOf),
  ]);
  return [
    '# Benchmarks',
    '',
    'Made by `npm run bench`, which measures ours and the peers in turns within one run, a process for each: compare within a',
    'table, not across tables. Medians, with the first and third quartile in brackets. What a row names "peak" is the most',
    'memory that its process ever held, of which "at start" is what runtime and libraries took before any work.',
    '',
    ...sections,
  ].join('\n');
}

/** Without the unit. */
export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

/** For the terminal. */
export function textOf({ title, columns, rows, notes }: Table): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [title, line(columns), ...rows.map(line), ...notes].join('\n');
}

function sectionOf({ title, about, columns, rows, notes, date, machine: where, command }: Kept[number]): string[] {
  return [
    `### ${title}`,
    '',
    about,
    '',
    `${date}, ${where}. \`${command}\``,
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    ...notes.map((note) => `- ${note}`),
    ...(notes.length > 0 ? [''] : []),
  ];
}

function machine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${processors()}, ${memory} GiB, Node ${process.versions.node}`;
}
