/**
 * The fair comparison: one preprocessing, one warm start, then each objective as a child run with the same network and the
 * same number of steps, as many at a time as there are trainers, and one table.
 *
 *   W4  One failed objective does not take its siblings with it; children cancel by request, so that they checkpoint.
 */
import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ObjectRef, RunResult } from '../config/artifacts';
import { statusOf } from '../config/outcome';
import { CompareInput } from '../config/workflow-input';
import type { ChildRun } from '../activities/requests';
import { pipeline } from './activities';
import { Family } from './family';
import { parseInput, parseRunName } from './input';
import { preprocess } from './preprocess';

export interface ComparisonOutcome {
  readonly type: 'comparison';
  readonly name: string;
  readonly status: RunResult['status'];
  readonly objectives: readonly ChildRun[];
  readonly report: ObjectRef;
}

export async function compareObjectives(raw: unknown): Promise<ComparisonOutcome> {
  const { data, recipe, objectives, parallel } = parseInput(CompareInput, raw);
  const name = parseRunName(workflowInfo().workflowId);
  const family = new Family(
    objectives.map((objective) => `${name}--${objective}`),
    objectives.length,
  );

  const { threads } = await pipeline.bindRun({
    run: name,
    data,
    recipe,
    kind: 'comparison',
    also: { objectives: objectives.join(',') },
    threads: recipe.engine.threads,
  });
  family.stage = 'preprocess';
  const bound = { ...recipe, engine: { ...recipe.engine, threads } };
  const { dataSet, recipe: fixed } = await family.untilStopped(() => preprocess(name, data, bound));
  family.stage = 'warm-start';
  const plan = { run: name, data, recipe: fixed, objectives, threads, dataSet, parallel };
  const { warmStart, runs } = await family.train(plan, () => {
    family.done += 1;
    setCurrentDetails(`${family.done} of ${objectives.length} objectives are done`);
  });
  family.stage = 'report';
  const results = runs.map(({ result }) => result);
  const status = statusOf(results, objectives.length);
  const report = await pipeline.writeComparison({ name, data, recipe: fixed, status, objectives: runs, warmStart });
  family.stage = 'done';
  return { type: 'comparison', name, status, objectives: runs, report };
}
