/**
 * What the benches of the engine have in common: options, variants of ours and of PyTorch, the table of one case.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnEnvironment } from '../../engine/environment';
import type { Case } from './cases';
import { measureInterleaved, quantile, type Outcome, type Rounds, type Variant } from './interleave';
import { mebibytes, projectRoot, record, textOf, type Table } from './record';

export interface EngineBench {
  /** Name of the bench, as in `npm run bench -- NAME`. */
  readonly name: string;
  readonly cases: readonly Case[];
  /** In the order of the rows. */
  readonly contestants: readonly Contestant[];
  /** Our worker beside this file. */
  readonly worker: string;
  readonly peerKind: 'train' | 'forward';
}

export interface Contestant {
  readonly row: string;
  readonly who: 'ours' | 'peer';
  /** What the worker is told. */
  readonly variant: string;
  readonly precision: 'float32' | 'bf16';
  /** Left out: for every case. */
  readonly isFor?: (one: Case) => boolean;
}

/** Measures the cases asked for, prints a table of each, and records them unless told not to. */
export async function runEngineBench(bench: EngineBench): Promise<void> {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '15' },
      'warm-up': { type: 'string', default: '2' },
      threads: { type: 'string', default: '2' },
      device: { type: 'string', default: 'cpu' },
      python: { type: 'string' },
      only: { type: 'string', multiple: true },
      'no-record': { type: 'boolean', default: false },
    },
  });
  const isCase = isAmong('case', new Set(bench.cases.map(({ name }) => name)), values.case);
  const isWanted = isAmong('only', new Set(bench.contestants.map(({ variant }) => variant)), values.only);
  const cases = bench.cases.filter(({ name }) => isCase(name));
  const device = deviceOf(values.device);
  const rounds: Rounds = { rounds: Number(values.rounds), warmUp: Number(values['warm-up']) };
  const scratch = temporaryFolder();
  const tables: Table[] = [];
  for (const one of cases) {
    console.log(`\n${bench.name}: ${titleOn(one, device)}`);
    const rows = bench.contestants.filter(
      ({ who, variant, isFor }) =>
        (who === 'ours' || values.python !== undefined) && isWanted(variant) && (isFor?.(one) ?? true),
    );
    const variants = rows.map((row) => variantOf(bench, one, row, { ...values, device, scratch }));
    const outcomes = await measureInterleaved(variants, rounds, (line) => console.log(line));
    const table = tableOf(bench.name, one, rows, outcomes, rounds, { threads: Number(values.threads), device });
    tables.push(table);
    if (!values['no-record']) record([table], commandOf(bench.name));
  }
  if (values.python === undefined) console.log('\nNo peers were measured: no --python was given.');
  for (const table of tables) console.log(`\n${textOf(table)}`);
}

function variantOf(
  { worker, peerKind }: EngineBench,
  one: Case,
  { row, who, variant }: Contestant,
  { threads, device, python, scratch }: Place & { readonly python?: string; readonly scratch: string },
): Variant {
  const visible: Record<string, string> = device === 'cpu' ? { CUDA_VISIBLE_DEVICES: '-1' } : {};
  if (who === 'ours') {
    const environment = { ...spawnEnvironment(Number(threads), { oneDnn: true, deterministic: true }), ...visible };
    return { name: row, command: [process.execPath, join(__dirname, worker), one.name, variant, device], environment };
  }
  const script = join(projectRoot, 'bench/peers/torch_worker.py');
  return {
    name: row,
    command: [python ?? '', script, peerKind, JSON.stringify(one), variant, device],
    environment: {
      ...visible,
      OMP_NUM_THREADS: threads,
      TORCHINDUCTOR_CACHE_DIR: scratch,
      TORCHINDUCTOR_COMPILE_THREADS: '1',
    },
  };
}

const columns = ['', 'ms', 'images/s', '× PyTorch', '× stock', 'peak MiB', 'at start', 'ready after'];

/** Speeds relative to the fastest PyTorch row of the same precision, and to the stock row where there is one. */
export function tableOf(
  bench: string,
  one: Case,
  rows: readonly Contestant[],
  outcomes: readonly Outcome[],
  { rounds }: Pick<Rounds, 'rounds'>,
  { threads, device }: { readonly threads: number; readonly device: Device },
): Table {
  const median = (outcome: Outcome): number =>
    outcome.type === 'measured' ? quantile(outcome.milliseconds, 0.5) : Infinity;
  const fastest = (of: (row: Contestant) => boolean): number =>
    Math.min(Infinity, ...outcomes.filter((_, i) => of(rows[i])).map(median));
  const ratio = (base: number, outcome: Outcome): string =>
    Number.isFinite(base) ? `${(base / median(outcome)).toFixed(2)} ×` : '–';
  const stock = fastest(({ variant, who }) => who === 'ours' && variant === 'stock');
  return {
    bench,
    title: titleOn(one, device),
    about: `Embedding of ${one.network.embeddingSize}, ${threads} threads each, ${rounds} rounds.${device === 'gpu' ? ' Float32 without TF32, ours and the peer’s; memory is the host’s.' : ''}`,
    columns,
    rows: outcomes.map((outcome, i) => {
      const { row, precision } = rows[i];
      if (outcome.type === 'failed') return [row, 'failed', ...columns.slice(2).map(() => '–')];
      const { milliseconds, peakBytes, baseBytes, startSeconds } = outcome;
      const [first, middle, third] = [0.25, 0.5, 0.75].map((share) => quantile(milliseconds, share));
      const digits = middle < 20 ? 2 : middle < 200 ? 1 : 0;
      const peer = fastest((other) => other.who === 'peer' && other.precision === precision);
      return [
        row,
        `${middle.toFixed(digits)} (${first.toFixed(digits)}–${third.toFixed(digits)})`,
        ((1000 * one.images) / middle).toFixed(middle > 1000 * one.images ? 2 : 0),
        ratio(peer, outcome),
        ratio(stock, outcome),
        mebibytes(peakBytes),
        mebibytes(baseBytes),
        `${startSeconds.toFixed(1)} s`,
      ];
    }),
    notes: outcomes.map((outcome) => `${outcome.name}: ${outcome.type === 'failed' ? outcome.why : outcome.note}`),
  };
}

const devices = ['cpu', 'gpu'] as const;
type Device = (typeof devices)[number];

interface Place {
  readonly threads: string;
  readonly device: Device;
}

function deviceOf(name: string): Device {
  const device = devices.find((one) => one === name);
  if (device === undefined) throw new Error(`bench: --device: got ${name}, must be ${devices.join(' or ')}.`);
  return device;
}

/** A device's figures stand in tables of their own. */
function titleOn({ title }: Case, device: Device): string {
  return device === 'cpu' ? title : `${title}, on the GPU`;
}

/** Gone with this process, also when it is interrupted. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  return folder;
}

/** Whether a name was asked for: all are where none was. */
function isAmong(option: string, known: ReadonlySet<string>, asked?: readonly string[]): (name: string) => boolean {
  const unknown = asked?.filter((name) => !known.has(name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`bench: --${option}: got ${unknown.join(', ')}, must be among ${[...known].join(', ')}.`);
  return (name) => asked?.includes(name) ?? true;
}

function commandOf(bench: string): string {
  const options = process.argv.slice(2).filter((word, i, all) => word !== '--python' && all[i - 1] !== '--python');
  return ['npm run bench --', bench, ...options].join(' ');
}
