/**
 * How well the fine classes come back when only random pairs of them are trained (paper §4.3), over several pairings.
 * Each pairing is a comparison of its own warm start: the pairs are its labels. The images are packed once.
 */
import {
  defineQuery,
  defineSignal,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ObjectRef } from '../config/artifacts';
import { RecoverInput, type RunProgress } from '../config/workflow-input';
import type { PairingRuns, RecoverySummary } from '../activities/requests';
import { pipeline, trainersIn } from './activities';
import { runChildren, type ChildPlan } from './children';
import { parseInput, parseRunName } from './input';
import { preprocess } from './preprocess';
import { warmStart } from './train-pipeline';

export interface RecoveryOutcome {
  readonly type: 'recovery';
  readonly name: string;
  readonly pairings: readonly PairingRuns[];
  readonly summary: readonly RecoverySummary[];
  readonly report: ObjectRef;
}

export async function hierarchyRecovery(raw: unknown): Promise<RecoveryOutcome> {
  const { data, recipe, objectives, pairings, parallel } = parseInput(RecoverInput, raw);
  const name = parseRunName(workflowInfo().workflowId);
  const runs = Array.from({ length: pairings }, (_, i) => `${name}--pairing-${i + 1}`);
  let stage: RunProgress['stage'] = 'binding';
  let stopRequested = false;
  const results: PairingRuns[] = [];
  const children = runs.flatMap((run) => objectives.map((objective) => `${run}--${objective}`));
  const progress = (): RunProgress => ({
    stage,
    epoch: results.length,
    epochs: pairings,
    validationErrors: [],
    stopRequested,
    speed: null,
    children,
  });
  const stop = (): void => void (stopRequested = true);
  setHandler(defineQuery<RunProgress>('progress'), progress);
  setHandler(defineSignal('stop'), stop);
  setHandler(defineUpdate<RunProgress>('requestStop'), () => (stop(), progress()));

  const also = { objectives: objectives.join(','), pairings: String(pairings) };
  const { threads } = await pipeline.bindRun({
    run: name,
    data,
    recipe,
    kind: 'recovery',
    also,
    threads: recipe.engine.threads,
  });
  stage = 'preprocess';
  const { dataSet, recipe: fixed } = await preprocess(name, data, { ...recipe, engine: { ...recipe.engine, threads } });
  stage = 'train';
  const firstPairing = fixed.data.pairing ?? 1;
  for (const [i, run] of runs.entries()) {
    if (stopRequested) break;
    const paired = { ...fixed, data: { ...fixed.data, pairing: firstPairing + i } };
    let trainers = 1;
    const start = await warmStart({ run, recipe: paired, threads, dataSet }, ({ pool }) => {
      trainers = trainersIn(pool);
    });
    const plans = objectives.map((objective): ChildPlan => ({
      objective,
      run: `${run}--${objective}`,
      input: {
        version: 1,
        data,
        recipe: { ...paired, objective },
        shared: { dataSet, warmStart: start, warmStartRun: run },
        carried: null,
      },
    }));
    const finished = await runChildren(plans, parallel ?? trainers, {
      stopped: () => stopRequested,
      onDone: () => undefined,
    });
    results.push({ pairing: firstPairing + i, objectives: finished });
    setCurrentDetails(`${results.length} of ${pairings} pairings are done`);
  }
  stage = 'report';
  const { report, summary } = await pipeline.writeRecovery({ name, data, recipe: fixed, pairings: results });
  stage = 'done';
  return { type: 'recovery', name, pairings: results, summary, report };
}
