/** What the benches of K-means, neighbours and retrieval have in common: rows in files that all contestants read, and a table. */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnEnvironment } from '../../engine/environment';
import { rngFor } from '../../learning/random';
import { measureInterleaved, quantile, type Outcome, type Variant } from './interleave';
import { projectRoot, record, textOf, type Table } from './record';

/** What a worker is told, of ours and of the peers. */
export type SearchTask =
  | {
      readonly type: 'clusters';
      /** float32 [classes · n, E], class after class. */
      readonly rows: string;
      readonly embeddingSize: number;
      readonly classes: number;
      /** K */
      readonly clusters: number;
    }
  | {
      readonly type: 'neighbours';
      readonly rows: string;
      readonly queries: string;
      readonly embeddingSize: number;
      readonly count: number;
    }
  | {
      readonly type: 'retrieval';
      /** float32 [n, E]; row i is of class i mod `classes`. */
      readonly rows: string;
      readonly embeddingSize: number;
      readonly classes: number;
    };

export interface SearchCase {
  readonly name: string;
  readonly title: string;
  /** How far apart the values of contestants may lie, where they name any. */
  readonly tolerance?: number;
  /** Writes the rows into the folder. */
  readonly prepare: (folder: string) => Promise<SearchTask>;
}

/** Each case with ours and the peers in turns; a turn is the whole task. */
export async function runSearchBench(
  bench: string,
  cases: readonly SearchCase[],
  peers: readonly string[],
): Promise<void> {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string', default: '2' },
      python: { type: 'string' },
      'no-record': { type: 'boolean', default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  for (const { name, title, tolerance = 0, prepare } of cases) {
    if (values.case !== undefined && !values.case.includes(name)) continue;
    console.log(`\n${bench}: ${title}`);
    const task = JSON.stringify(await prepare(folder));
    const { threads, python } = values;
    const ours: Variant = {
      name: 'lodestone',
      command: [process.execPath, join(__dirname, 'search-worker.js'), task],
      environment: spawnEnvironment(Number(threads), { oneDnn: true, deterministic: true }),
    };
    const others = (python === undefined ? [] : peers).map((peer): Variant => ({
      name: peer,
      command: [python ?? '', join(projectRoot, 'bench/peers/search_worker.py'), task, peer],
      environment: { OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads },
    }));
    const outcomes = await measureInterleaved([ours, ...others], { warmUp: 1, rounds: Number(values.rounds) }, (line) =>
      console.log(line),
    );
    const about = `${threads} threads each, ${values.rounds} rounds; a round is the whole task.`;
    const table = tableOf({ bench, title, about }, outcomes);
    if (!values['no-record']) record([table], `npm run bench -- ${bench}`);
    console.log(`\n${textOf(table)}`);
    requireAgreement(outcomes, tolerance);
  }
}

/** Times against the first contestant's, and beside them the values that all came to. */
export function tableOf(about: Pick<Table, 'bench' | 'title' | 'about'>, outcomes: readonly Outcome[]): Table {
  const names = Object.keys(outcomes.map(valuesOf).find((values) => values !== null) ?? {});
  const medianOf = (outcome: Outcome): number =>
    outcome.type === 'measured' ? quantile(outcome.milliseconds, 0.5) : NaN;
  return {
    ...about,
    columns: ['', 'seconds', 'time of lodestone against it', 'peak MiB', ...names],
    rows: outcomes.map((outcome) =>
      outcome.type === 'failed'
        ? [outcome.name, 'failed', '–', '–', ...names.map(() => '–')]
        : [
            outcome.name,
            (medianOf(outcome) / 1000).toFixed(3),
            `${(medianOf(outcomes[0]) / medianOf(outcome)).toFixed(2)} ×`,
            (outcome.peakBytes / 2 ** 20).toFixed(0),
            ...names.map((name) => outcome.values?.[name]?.toFixed(6) ?? '–'),
          ],
    ),
    notes: outcomes.map((outcome) => `${outcome.name}: ${outcome.type === 'failed' ? outcome.why : outcome.note}`),
  };
}

/** Throws where a contestant's value is not the first one's: its time would be that of another task. */
export function requireAgreement(outcomes: readonly Outcome[], tolerance: number): void {
  const [first, ...others] = outcomes.flatMap((outcome) => {
    const values = valuesOf(outcome);
    return values === null ? [] : [{ name: outcome.name, values }];
  });
  for (const { name, values } of others) {
    for (const [what, value] of Object.entries(first.values)) {
      if (what in values && Math.abs(values[what] - value) <= tolerance) continue;
      throw new Error(
        `bench: ${what}: ${first.name} has ${value}, ${name} has ${values[what]}; they may differ by ${tolerance}.`,
      );
    }
  }
}

function valuesOf(outcome: Outcome): Readonly<Record<string, number>> | null {
  return outcome.type === 'measured' ? (outcome.values ?? null) : null;
}

/** Heaps around seeded centres of unit spread, row i in heap i mod `heaps`: float32 [n, E], into a file. */
export async function writeHeaps(
  path: string,
  {
    rows,
    embeddingSize,
    heaps,
    seed,
    spread = 1,
  }: { rows: number; embeddingSize: number; heaps: number; seed: number; spread?: number },
): Promise<void> {
  const placing = rngFor(seed, 'bench centres');
  const centres = Float32Array.from({ length: heaps * embeddingSize }, () => placing.normal());
  const rng = rngFor(seed, 'bench rows', rows);
  const file = createWriteStream(path);
  for (let row = 0; row < rows; row++) {
    const from = (row % heaps) * embeddingSize;
    const values = Float32Array.from({ length: embeddingSize }, (_, e) => centres[from + e] + spread * rng.normal());
    if (!file.write(new Uint8Array(values.buffer))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}
