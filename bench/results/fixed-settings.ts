/**
 * Trials on real photos whose settings and read-outs are given: those that an independent implementation chose on
 * validation (the recipes name it). Training on train + validation, three seeds or three random pairings.
 */
import {
  cellsOf,
  classifiedColumns,
  deviation,
  fine,
  mean,
  percent,
  recoveredColumns,
  trained,
  type Column,
} from './figures';
import type { Measured } from './page';
import { dataFolder, set, shown, trainedBy, type Metrics } from './product';

interface Trial {
  readonly objective: 'softmax' | 'triplet' | 'magnet';
  /** The row's words: setting; read-out. */
  readonly setting: string;
  readonly readout: { readonly normalised: boolean; readonly temperature: number };
}

export interface FixedGroup {
  readonly folder: string;
  readonly recipe: string;
  /** Random pairings are recovered; seeds are runs of their own. */
  readonly repeated: 'pairings' | 'seeds';
  readonly trials: readonly Trial[];
}

const raw = (temperature: number): Trial['readout'] => ({ normalised: false, temperature });
const unit = (temperature: number): Trial['readout'] => ({ normalised: true, temperature });

export const omniglotPairs: FixedGroup = {
  folder: 'omniglot_small',
  recipe: 'omniglot-pairs',
  repeated: 'pairings',
  trials: [
    { objective: 'magnet', setting: 'K 2, g 3, α 1, lr 2e-3; raw τ ⅛', readout: raw(0.125) },
    { objective: 'softmax', setting: 'lr 2.7e-3; L2 τ ⅛', readout: unit(0.125) },
    { objective: 'triplet', setting: 'lr 3e-4, α 1, f 0.2; L2 τ 1/16', readout: unit(0.0625) },
  ],
};

export const fruits: FixedGroup = {
  folder: 'fruits360_3body',
  recipe: 'fruits',
  repeated: 'seeds',
  trials: [
    { objective: 'magnet', setting: 'K 16, g 1, α 1.46, lr 7.1e-4; L2 τ ¼', readout: unit(0.25) },
    { objective: 'softmax', setting: 'lr 2.7e-3; L2 τ ¼', readout: unit(0.25) },
    { objective: 'triplet', setting: 'lr 5.3e-4, α 1, f 0.05; L2 τ ¼', readout: unit(0.25) },
  ],
};

export const groceryPairs: FixedGroup = {
  folder: 'grocery',
  recipe: 'grocery-pairs',
  repeated: 'pairings',
  trials: [
    { objective: 'magnet', setting: 'K 2, g 3, α 1, lr 7e-4; raw τ 1/16', readout: raw(0.0625) },
    { objective: 'softmax', setting: 'lr 2.7e-3; raw τ ⅛', readout: raw(0.125) },
    { objective: 'triplet', setting: 'lr 3e-4, α 1, f 0.2; L2 τ ¼', readout: unit(0.25) },
  ],
};

export const omniglotFine: FixedGroup = {
  folder: 'omniglot_small',
  recipe: 'omniglot-fine',
  repeated: 'seeds',
  trials: [{ objective: 'magnet', setting: 'K 1, g 3, α 1, lr 1.5e-3; raw τ ½', readout: raw(0.5) }],
};

export function measureFixed(group: FixedGroup): Measured {
  const columns = columnsOf(group);
  const measured = group.trials.map((trial) => {
    const commands = commandsOf(group, trial);
    return { row: [trial.objective, trial.setting, ...cellsOf(columns, metricsOf(commands))], commands };
  });
  return {
    tables: [
      {
        caption: `Three ${group.repeated}.`,
        head: ['objective', 'setting; read-out of soft-kNN', ...titlesOf(columns)],
        rows: measured.map(({ row }) => row),
      },
    ],
    findings: [],
    commands: measured.flatMap(({ commands }) => commands).map(shown),
  };
}

/** Magnet in float32 and in bfloat16, all else equal: warm start, data, seeds, read-out. */
export function measurePrecision(groups: readonly FixedGroup[]): Measured {
  const measured = groups.map((group) => {
    const trial = group.trials.find(({ objective }) => objective === 'magnet') as Trial;
    const columns = columnsOf(group);
    const rows = (['float32', 'bf16'] as const).map((precision) => {
      const commands = commandsOf(group, trial, set('engine.precision', precision));
      const runs = metricsOf(commands);
      return { row: [precision, ...cellsOf(columns, runs)], errors: runs.map(headlineOf(group)), commands };
    });
    const [float32, bf16] = rows.map(({ errors }) => errors);
    return {
      table: {
        caption: `${group.folder}, recipe ${group.recipe}: three ${group.repeated}.`,
        head: ['computed in', ...titlesOf(columns)],
        rows: rows.map(({ row }) => row),
      },
      finding:
        `${group.folder}: by soft-kNN bf16 is ${percent(mean(bf16) - mean(float32))} points off float32's mean, ` +
        `whose standard deviation is ${percent(deviation(float32))}.`,
      commands: rows.flatMap(({ commands }) => commands),
    };
  });
  return {
    tables: measured.map(({ table }) => table),
    findings: measured.map(({ finding }) => finding),
    commands: measured.flatMap(({ commands }) => commands).map(shown),
  };
}

function commandsOf(
  { folder, recipe, repeated }: FixedGroup,
  { objective, readout }: Trial,
  more: readonly string[] = [],
): string[][] {
  const readoutOption = set('evaluation.softKnn', JSON.stringify(readout));
  const options = [...set('data.trainOn', 'train+validation'), ...readoutOption, ...more];
  const start = [dataFolder(folder), '--recipe', recipe];
  return repeated === 'pairings'
    ? [['recover', ...start, '--pairings', '3', '--objectives', objective, ...options]]
    : [1, 2, 3].map((seed) => ['run', ...start, '--objective', objective, '--seed', String(seed), ...options]);
}

function metricsOf(commands: readonly string[][]): Metrics[] {
  return commands.flatMap((command) => trainedBy(command)).map(({ metrics }) => metrics);
}

function columnsOf({ recipe }: FixedGroup): readonly Column[] {
  return recipe === omniglotFine.recipe ? classifiedColumns : recoveredColumns;
}

function titlesOf(columns: readonly Column[]): string[] {
  return columns.map(([title]) => title);
}

/** The error that soft-kNN makes on the labels a group is about. */
function headlineOf({ recipe }: FixedGroup): (metrics: Metrics) => number {
  const of = recipe === omniglotFine.recipe ? trained.softKnn : fine.softKnn;
  return (metrics) => of(metrics) ?? Number.NaN;
}
