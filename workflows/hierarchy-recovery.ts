/**
 * How well the fine classes come back when only random pairs of them are trained (paper §4.3), over several pairings.
 * Each pairing is a comparison of its own warm start: the pairs are its labels. The images are packed once.
 */
import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ObjectRef, RunResult } from '../config/artifacts';
import { statusOf } from '../config/outcome';
import { RecoverInput } from '../config/workflow-input';
import type { PairingRuns, RecoverySummary } from '../activities/requests';
import { pipeline } from './activities';
import { Family } from './family';
import { parseInput, parseRunName } from './input';
import { preprocess } from './preprocess';
import { isRunStopped, runStopped } from './stopping';

export interface RecoveryOutcome {
  readonly type: 'recovery';
  readonly name: string;
  readonly status: RunResult['status'];
  readonly pairings: readonly PairingRuns[];
  readonly summary: readonly RecoverySummary[];
  readonly report: ObjectRef;
}

export async function hierarchyRecovery(raw: unknown): Promise<RecoveryOutcome> {
  const { data, recipe, objectives, pairings, parallel } = parseInput(RecoverInput, raw);
  const name = parseRunName(workflowInfo().workflowId);
  const runs = Array.from({ length: pairings }, (_, i) => `${name}--pairing-${i + 1}`);
  const results: PairingRuns[] = [];
  const family = new Family(
    runs.flatMap((run) => objectives.map((objective) => `${run}--${objective}`)),
    pairings,
  );

  const also = { objectives: objectives.join(','), pairings: String(pairings) };
  const { threads } = await pipeline.bindRun({
    run: name,
    data,
    recipe,
    kind: 'recovery',
    also,
    threads: recipe.engine.threads,
  });
  family.stage = 'preprocess';
  const bound = { ...recipe, engine: { ...recipe.engine, threads } };
  const { dataSet, recipe: fixed } = await family.untilStopped(() => preprocess(name, data, bound));
  family.stage = 'train';
  const firstPairing = fixed.data.pairing ?? 1;
  for (const [i, run] of runs.entries()) {
    if (family.stopped) break;
    const paired = { ...fixed, data: { ...fixed.data, pairing: firstPairing + i } };
    const plan = { run, data, recipe: paired, objectives, threads, dataSet, parallel };
    const trained = await family
      .train(plan, () => undefined)
      .catch((failure: unknown) => {
        if (isRunStopped(failure) && results.length > 0) return null; // what there is is reported
        throw failure;
      });
    if (trained === null) break;
    results.push({ pairing: firstPairing + i, objectives: trained.runs });
    family.done = results.length;
    setCurrentDetails(`${results.length} of ${pairings} pairings are done`);
  }
  if (results.length === 0) throw runStopped();
  family.stage = 'report';
  const ended = results.flatMap((pairing) => pairing.objectives.map(({ result }) => result));
  const status = statusOf(ended, pairings * objectives.length);
  const { report, summary } = await pipeline.writeRecovery({ name, data, recipe: fixed, status, pairings: results });
  family.stage = 'done';
  return { type: 'recovery', name, status, pairings: results, summary, report };
}
