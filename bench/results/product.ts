/** Runs the product as a person would, and reads the figures out of the JSON that it prints. Does not know what is tried. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '../../..');

/** Of one trained run, as `--json` prints it. */
export interface Metrics {
  readonly trained: { readonly error1: number };
  readonly readouts: readonly {
    readonly name: string;
    readonly labels: 'trained' | 'fine';
    readonly split: 'validation' | 'test';
    readonly error1: number;
    readonly error5: number | null;
  }[];
  readonly baselines: { readonly rawPixels: { readonly trained: number | null; readonly fine: number | null } };
}

export interface Trained {
  readonly objective: string;
  readonly metrics: Metrics;
}

/** A folder of images beside the project. */
export function dataFolder(name: string): string {
  return resolve(root, '../shared/datasets', name);
}

export function set(key: string, value: string | number | boolean): string[] {
  return ['--set', `${key}=${value}`];
}

/** Every run of a command, in the order that it prints them. Throws where the command fails. */
export function trainedBy(command: readonly string[]): Trained[] {
  const printed =
    lodestone([...command, '--json'])
      .trim()
      .split('\n')
      .at(-1) ?? '';
  const outcome = JSON.parse(printed) as Partial<Trained> & {
    readonly objectives?: readonly Trained[];
    readonly pairings?: readonly { readonly objectives: readonly Trained[] }[];
  };
  const { objective, metrics } = outcome;
  if (objective !== undefined && metrics !== undefined) return [{ objective, metrics }];
  const objectives = outcome.objectives ?? outcome.pairings?.flatMap((pairing) => pairing.objectives) ?? [];
  return objectives.map((trained) => ({ objective: trained.objective, metrics: trained.metrics }));
}

export function lodestone(args: readonly string[]): string {
  console.error(shown(args));
  const ended = spawnSync(process.execPath, [join(root, 'bin/lodestone.mjs'), ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  if (ended.status !== 0) {
    throw new Error(
      `results: ${shown(args)} ended with exit code ${ended.status ?? '?'}; its group keeps its last figures.`,
    );
  }
  return ended.stdout;
}

/** The command as a person types it in the project's folder. */
export function shown(command: readonly string[]): string {
  const words = command.map((word) => word.replace(`${root}/`, '').replace(resolve(root, '..'), '..'));
  return `npx lodestone ${words.map((word) => (/^[\w./:=,+-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`;
}
