/**
 * How long a person waits for a program to begin: `lodestone --help`, and a worker that is ready for work, each beside what
 * Node and its libraries take alone.
 *   npm run bench -- start-up [--case help|worker …] [--rounds 15] [--no-record]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureStack, stopStack } from '../infra/stack/client';
import { measureInterleaved } from './support/interleave';
import { projectRoot, record, textOf, type Table } from './support/record';
import { startTable } from './support/start-up-table';
import type { StartTask } from './support/start-up-worker';

const lodestone = join(projectRoot, 'bin/lodestone.mjs');

interface StartCase {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly targetMs: number;
  /** The floor first, ours last. */
  readonly starts: readonly (StartTask & { readonly row: string })[];
  readonly needsStack: boolean;
}

const cases: readonly StartCase[] = [
  {
    name: 'help',
    title: 'lodestone --help',
    about: 'From the spawn to the end of the process, after a build; the median of nine starts a round.',
    targetMs: 150,
    needsStack: false,
    starts: [
      { row: 'node -e 0', note: 'Node alone', program: ['-e', '0'], readyLine: null, starts: 9 },
      {
        row: 'lodestone --help',
        note: 'with the look whether the build is current',
        program: [lodestone, '--help'],
        readyLine: null,
        starts: 9,
      },
    ],
  },
  {
    name: 'worker',
    title: 'lodestone worker, ready for work',
    about:
      'From the spawn to the line that it serves runs, after a build; Temporal dev server and S3 server run already.',
    targetMs: 3000,
    needsStack: true,
    starts: [
      {
        row: "require('@temporalio/worker')",
        note: "Node and Temporal's library, no connection",
        program: ['-e', "require('@temporalio/worker')"],
        readyLine: null,
        starts: 1,
      },
      {
        row: 'lodestone worker',
        note: 'all roles: four queues polled',
        program: [lodestone, 'worker'],
        readyLine: 'serves runs until',
        starts: 1,
      },
    ],
  },
];

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '15' },
    'no-record': { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  for (const one of cases) {
    if (!(values.case?.includes(one.name) ?? true)) continue;
    console.log(`\nstart-up: ${one.title}`);
    const table = one.needsStack ? await withStack((environment) => measure(one, environment)) : await measure(one, {});
    if (!values['no-record']) record([table], 'npm run bench -- start-up');
    console.log(`\n${textOf(table)}`);
  }
}

async function measure(one: StartCase, environment: Record<string, string>): Promise<Table> {
  const variants = one.starts.map(({ row, ...task }) => ({
    name: row,
    command: [process.execPath, join(__dirname, 'support/start-up-worker.js'), JSON.stringify(task)],
    environment,
  }));
  const rounds = Number(values.rounds);
  const outcomes = await measureInterleaved(variants, { warmUp: 1, rounds }, (line) => console.log(line));
  return startTable(one, outcomes, rounds);
}

/** @param use gets the environment in which commands find a local stack of the bench's own, gone afterwards */
async function withStack<T>(use: (environment: Record<string, string>) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-bench-'));
  const stateDir = join(folder, 'stack');
  const end = async (): Promise<void> => {
    await stopStack(stateDir);
    rmSync(folder, { recursive: true, force: true });
  };
  for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const])
    process.once(signal, () => void end().finally(() => process.exit(code)));
  try {
    const lease = { type: 'command', name: 'bench' } as const;
    const stack = await ensureStack({ stateDir, projectRoot, worker: 'none', lease });
    const elsewhere = { LODESTONE_STORE: '', TEMPORAL_ADDRESS: '', TEMPORAL_PROFILE: '' };
    const worker = join(folder, 'worker');
    return await use({ LODESTONE_STATE: folder, LODESTONE_WORKER_DIRECTORY: worker, ...elsewhere }).finally(() =>
      stack.release(),
    );
  } finally {
    await end();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
