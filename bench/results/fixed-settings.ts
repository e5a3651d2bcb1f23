/**
 * Trials on real photos whose settings and read-outs are given: those that an independent implementation chose on
 * validation (the recipes name it). Training on train + validation, three seeds or three random pairings.
 */
import { cellsOf, classifiedColumns, recoveredColumns } from './figures';
import type { Measured } from './page';
import { dataFolder, set, shown, trainedBy } from './product';

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

export function measureFixed({ folder, recipe, repeated, trials }: FixedGroup): Measured {
  const columns = recipe === omniglotFine.recipe ? classifiedColumns : recoveredColumns;
  const measured = trials.map(({ objective, setting, readout }) => {
    const options = [...set('data.trainOn', 'train+validation'), ...set('evaluation.softKnn', JSON.stringify(readout))];
    const start = [dataFolder(folder), '--recipe', recipe];
    const commands =
      repeated === 'pairings'
        ? [['recover', ...start, '--pairings', '3', '--objectives', objective, ...options]]
        : [1, 2, 3].map((seed) => ['run', ...start, '--objective', objective, '--seed', String(seed), ...options]);
    const runs = commands.flatMap((command) => trainedBy(command)).map(({ metrics }) => metrics);
    return { row: [objective, setting, ...cellsOf(columns, runs)], commands: commands.map(shown) };
  });
  return {
    tables: [
      {
        caption: `Three ${repeated}.`,
        head: ['objective', 'setting; read-out of soft-kNN', ...columns.map(([title]) => title)],
        rows: measured.map(({ row }) => row),
      },
    ],
    findings: [],
    commands: measured.flatMap(({ commands }) => commands),
  };
}
