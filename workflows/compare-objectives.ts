/**
 * The fair comparison: one preprocessing, one warm start, then each objective as a child run with the same network and the
 * same number of steps, as many at a time as there are trainers, and one table.
 *
 *   W4  One failed objective does not take its siblings with it; children cancel by request, so that they checkpoint.
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
import { CompareInput, type RunProgress } from '../config/workflow-input';
import type { ChildRun } from '../activities/requests';
import { pipeline, trainersIn } from './activities';
import { runChildren, type ChildPlan } from './children';
import { parseInput, parseRunName } from './input';
import { preprocess } from './preprocess';
import { warmStart } from './train-pipeline';

export interface ComparisonOutcome {
  readonly type: 'comparison';
  readonly name: string;
  readonly objectives: readonly ChildRun[];
  readonly report: ObjectRef;
}

export async function compareObjectives(raw: unknown): Promise<ComparisonOutcome> {
  const { data, recipe, objectives, parallel } = parseInput(CompareInput, raw);
  const name = parseRunName(workflowInfo().workflowId);
  const children = objectives.map((objective) => `${name}--${objective}`);
  let stage: RunProgress['stage'] = 'binding';
  let done = 0;
  let stopRequested = false;
  const progress = (): RunProgress => ({
    stage,
    epoch: done,
    epochs: children.length,
    validationErrors: [],
    stopRequested,
    speed: null,
    children,
  });
  const stop = (): void => void (stopRequested = true);
  setHandler(defineQuery<RunProgress>('progress'), progress);
  setHandler(defineSignal('stop'), stop);
  setHandler(defineUpdate<RunProgress>('requestStop'), () => (stop(), progress()));

  const { threads } = await pipeline.bindRun({
    run: name,
    data,
    recipe,
    kind: 'comparison',
    also: { objectives: objectives.join(',') },
    threads: recipe.engine.threads,
  });
  stage = 'preprocess';
  const { dataSet, recipe: fixed } = await preprocess(name, data, { ...recipe, engine: { ...recipe.engine, threads } });
  stage = 'warm-start';
  let trainers = 1;
  const start = await warmStart({ run: name, recipe: fixed, threads, dataSet }, ({ pool }) => {
    trainers = trainersIn(pool);
  });
  stage = 'train';
  const plans = objectives.map((objective, i): ChildPlan => ({
    objective,
    run: children[i],
    input: {
      version: 1,
      data,
      recipe: { ...fixed, objective },
      shared: { dataSet, warmStart: start, warmStartRun: name },
      carried: null,
    },
  }));
  const finished = await runChildren(plans, parallel ?? trainers, {
    stopped: () => stopRequested,
    onDone: () => {
      done += 1;
      setCurrentDetails(`${done} of ${children.length} objectives are done`);
    },
  });
  stage = 'report';
  const report = await pipeline.writeComparison({ name, data, recipe: fixed, objectives: finished, warmStart: start });
  stage = 'done';
  return { type: 'comparison', name, objectives: finished, report };
}
