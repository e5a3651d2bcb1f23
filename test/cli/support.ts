/** Surroundings that remember what was written, and results as workflows return them. */
import { join } from 'node:path';
import type { Outcome } from '../../config/outcome';
import type { Surroundings } from '../../cli/settings';
import type { Readout, RunResult } from '../../config/artifacts';

export interface Captured extends Surroundings {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** Without any configured server; state in `folder`. */
export function captured(folder: string, variables: Record<string, string> = {}): Captured {
  const written = { out: '', err: '' };
  return {
    folder,
    variables: { LODESTONE_STATE: join(folder, 'state'), XDG_CONFIG_HOME: join(folder, 'no-profiles'), ...variables },
    out: { write: (text) => (written.out += text) },
    err: { write: (text) => (written.err += text) },
    stdout: () => written.out,
    stderr: () => written.err,
  };
}

const digest = (digit: string): string => digit.repeat(64);
const ref = { uri: 'file:somewhere', sha256: digest('a'), bytes: 1 };
const readout: Readout = {
  name: 'soft-knn',
  labels: 'trained',
  setting: null,
  split: 'test',
  error1: 0.25,
  error5: 0.1,
};
const retrieval = { precision1: 0.75, recall: { '1': 0.75 }, mapAtR: 0.5 };
const manifest = { manifest: ref, digest: digest('b') };

export function resultOf(run: string, change: Partial<RunResult> = {}): RunResult {
  return {
    version: 1,
    run,
    objective: 'magnet',
    status: 'finished',
    epochs: 3,
    configuration: digest('c'),
    dataSet: ref,
    checkpoint: { ...manifest, position: { phase: 'train', epoch: 3, step: 0, globalStep: 30 } },
    index: { ...manifest, validationError: 0.3 },
    evaluation: ref,
    digests: { weights: digest('1'), index: digest('2'), curves: digest('3'), metrics: digest('4') },
    metrics: {
      trained: readout,
      fine: { ...readout, labels: 'fine', error1: 0.5 },
      readouts: [readout, { ...readout, labels: 'fine', error1: 0.5 }],
      retrieval: { trained: retrieval, fine: null },
      baselines: { chance: { trained: 0.6, fine: 0.9 }, rawPixels: { trained: 0.5, fine: 0.8 } },
    },
    reproducibility: 'identical',
    ...change,
  };
}

export function outcomeOf(run: string, report: Outcome['report'], change: Partial<RunResult> = {}): Outcome {
  return { type: 'run', result: resultOf(run, change), report };
}
