/**
 * Makes docs/results.md through the product itself: each trial is a `lodestone` command, run to its end, its figures taken
 * from the JSON that the command prints. Nothing in that page is typed by hand. Finished runs are found again, so an
 * interrupted making goes on where it was.
 *
 *   npm run results [-- group …]      groups: see below; a group that was not asked for keeps its last figures
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const data = (name: string): string => resolve(root, '../shared/datasets', name);

interface Trial {
  readonly group: string;
  readonly objective: 'softmax' | 'triplet' | 'magnet';
  /** What is special about its settings, in the table. */
  readonly setting: string;
  readonly commands: readonly (readonly string[])[];
}

const groups: Readonly<Record<string, string>> = {
  'omniglot-pairs': 'omniglot_small: characters paired at random, 20 epochs, three pairings',
  fruits: 'fruits360_3body: 3 coarse classes trained, 65 varieties recovered, 15 epochs, three seeds',
  'grocery-pairs': 'grocery: products paired at random, 20 epochs, three pairings',
  'omniglot-fine': 'omniglot_small: plain classification of 242 characters, 20 epochs, three seeds',
  demo: 'Procedural species: 3 coarse classes trained, 48 species recovered, data seeds 3, 4, 5',
};

const final = (temperature: number, normalised: boolean): string[] => [
  ...set('data.trainOn', 'train+validation'),
  ...set('evaluation.softKnn', JSON.stringify({ normalised, temperature })),
];

function set(key: string, value: string): string[] {
  return ['--set', `${key}=${value}`];
}

function recovery(
  folder: string,
  recipe: string,
  objective: Trial['objective'],
  setting: string,
  more: readonly string[],
): Trial {
  return {
    group: recipe,
    objective,
    setting,
    commands: [['recover', data(folder), '--recipe', recipe, '--pairings', '3', '--objectives', objective, ...more]],
  };
}

function seeded(
  folder: string,
  recipe: string,
  objective: Trial['objective'],
  setting: string,
  more: readonly string[],
): Trial {
  const commands = [1, 2, 3].map((seed) => [
    'run',
    data(folder),
    '--recipe',
    recipe,
    '--objective',
    objective,
    '--seed',
    String(seed),
    ...more,
  ]);
  return { group: recipe, objective, setting, commands };
}

/** Read-outs: those that the independent implementation chose on validation (recipes name it). */
const trials: readonly Trial[] = [
  recovery('omniglot_small', 'omniglot-pairs', 'magnet', 'K 2, g 3, α 1, lr 2e-3; raw τ ⅛', final(0.125, false)),
  recovery('omniglot_small', 'omniglot-pairs', 'softmax', 'lr 2.7e-3; L2 τ ⅛', final(0.125, true)),
  recovery('omniglot_small', 'omniglot-pairs', 'triplet', 'lr 3e-4, f 0.2; L2 τ 1/16', final(0.0625, true)),
  seeded('fruits360_3body', 'fruits', 'magnet', 'K 16, g 1, α 1.46, lr 7.1e-4; L2 τ ¼', final(0.25, true)),
  seeded('fruits360_3body', 'fruits', 'softmax', 'lr 2.7e-3; L2 τ ¼', final(0.25, true)),
  seeded('fruits360_3body', 'fruits', 'triplet', 'lr 5.3e-4, f 0.05; L2 τ ¼', final(0.25, true)),
  recovery('grocery', 'grocery-pairs', 'magnet', 'K 2, g 3, α 1, lr 7e-4; raw τ 1/16', final(0.0625, false)),
  recovery('grocery', 'grocery-pairs', 'softmax', 'lr 2.7e-3; raw τ ⅛', final(0.125, false)),
  recovery('grocery', 'grocery-pairs', 'triplet', 'L2 τ ¼', final(0.25, true)),
  seeded('omniglot_small', 'omniglot-fine', 'magnet', 'K 1, g 3, lr 1.5e-3; raw τ ½', final(0.5, false)),
  ...(['softmax', 'triplet', 'magnet'] as const).map((objective): Trial => ({
    group: 'demo',
    objective,
    setting: 'as in recipes/demo.yaml',
    commands: [3, 4, 5].map((seed) => [
      'run',
      join(root, 'recipes/demo.yaml'),
      '--objective',
      objective,
      '--set',
      `source.seed=${seed}`,
    ]),
  })),
];

interface Metrics {
  readonly trained: { readonly error1: number };
  readonly readouts: readonly {
    readonly name: string;
    readonly labels: string;
    readonly error1: number;
    readonly error5: number | null;
  }[];
}
interface Row {
  readonly objective: string;
  readonly setting: string;
  readonly cells: readonly string[];
  readonly commands: readonly string[];
}

const columns: readonly (readonly [title: string, labels: string, name: string, error: 'error1' | 'error5'])[] = [
  ['soft-kNN @1', 'fine', 'soft-knn', 'error1'],
  ['@5', 'fine', 'soft-knn', 'error5'],
  ['1-NN', 'fine', 'one-nn', 'error1'],
  ['kNC refit', 'fine', 'knc-refit', 'error1'],
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((group) => !(group in groups));
if (unknown.length > 0) {
  console.error(`results: got the group ${unknown.join(', ')}, must be among ${Object.keys(groups).join(', ')}.`);
  process.exit(2);
}
const keptPath = join(root, 'docs/results.json');
const kept = (existsSync(keptPath) ? JSON.parse(readFileSync(keptPath, 'utf8')) : {}) as Record<
  string,
  { date: string; machine: string; rows: Row[] }
>;

run(['dev', 'up']);
try {
  for (const group of Object.keys(groups).filter((name) => wanted.length === 0 || wanted.includes(name))) {
    const rows = trials.filter((trial) => trial.group === group).map((trial) => rowOf(trial));
    kept[group] = { date: new Date().toISOString().slice(0, 10), machine: machine(), rows };
    writePage();
  }
} finally {
  run(['dev', 'down']);
}

function rowOf({ objective, setting, commands }: Trial): Row {
  const metrics = commands.flatMap((command) => metricsOf(run([...command, '--json'])));
  const labels = metrics[0].readouts.some((readout) => readout.labels === 'fine') ? 'fine' : 'trained';
  const of = (name: string, error: 'error1' | 'error5'): string =>
    spread(
      metrics.flatMap(({ readouts }) =>
        readouts
          .filter((readout) => readout.labels === labels && readout.name === name)
          .map((readout) => readout[error] ?? NaN),
      ),
    );
  const cells = [
    spread(metrics.map(({ trained }) => trained.error1)),
    ...columns.map(([, , name, error]) => of(name, error)),
  ];
  return { objective, setting, cells, commands: commands.map((command) => shown(command)) };
}

/** The metrics of each run in what a command printed. */
function metricsOf(json: string): Metrics[] {
  const outcome = JSON.parse(json.trim().split('\n').at(-1) ?? '') as {
    metrics?: Metrics;
    pairings?: { objectives: { metrics: Metrics }[] }[];
  };
  return outcome.metrics
    ? [outcome.metrics]
    : (outcome.pairings ?? []).flatMap(({ objectives }) => objectives.map(({ metrics }) => metrics));
}

function run(args: readonly string[]): string {
  console.error(`lodestone ${args.join(' ')}`);
  const ended = spawnSync(process.execPath, [join(root, 'bin/lodestone.mjs'), ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  if (ended.status !== 0) {
    console.error(`results: that ended with exit code ${ended.status ?? '?'}; nothing is written for its group.`);
    process.exit(ended.status ?? 1);
  }
  return ended.stdout;
}

/** Mean ± sample standard deviation, in percent. */
function spread(shares: readonly number[]): string {
  if (shares.length === 0 || shares.some(Number.isNaN)) return '–';
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const sd =
    shares.length > 1
      ? Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (shares.length - 1))
      : 0;
  return `${(100 * mean).toFixed(1)} ± ${(100 * sd).toFixed(1)}`;
}

function machine(): string {
  return `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? process.arch}, Node ${process.versions.node}`;
}

function shown(command: readonly string[]): string {
  const words = command.map((word) => word.replace(`${root}/`, '').replace(resolve(root, '..'), '..'));
  return `npx lodestone ${words.map((word) => (/^[\w./:=,+-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`;
}

function writePage(): void {
  const sections = Object.entries(groups).flatMap(([group, title]) => {
    const made = kept[group];
    if (!made) return [];
    const head = ['objective', 'setting and read-out', 'trained labels @1', ...columns.map(([name]) => name)];
    const rows = made.rows.map(({ objective, setting, cells }) => `| ${[objective, setting, ...cells].join(' | ')} |`);
    const commands = made.rows.flatMap((row) => row.commands);
    return [
      `## ${title}`,
      '',
      `${made.date}, ${made.machine}. Test error in percent, mean ± sample standard deviation.`,
      '',
      `| ${head.join(' | ')} |`,
      `|${head.map(() => '---').join('|')}|`,
      ...rows,
      '',
      '```sh',
      ...commands,
      '```',
      '',
    ];
  });
  const page = [
    '# Results',
    '',
    'Made by `npm run results` through the product itself: every figure is from the JSON of the commands below it.',
    '',
    ...sections,
  ].join('\n');
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(keptPath, `${JSON.stringify(kept, null, 2)}\n`);
  writeFileSync(join(root, 'docs/results.md'), page);
}
