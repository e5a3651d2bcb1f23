/**
 * What the workflows have in common that train several objectives from one warm start: they answer for their children,
 * pass a stop on to them, and plan them alike.
 */
import { CancellationScope, defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import type { CheckpointRef, ObjectRef } from '../config/artifacts';
import type { ObjectiveName } from '../config/objective';
import type { Recipe } from '../config/recipe';
import type { RunProgress, TrainPipelineInput } from '../config/workflow-input';
import type { ChildRun } from '../activities/requests';
import { trainersIn } from './activities';
import { runChildren, type ChildPlan } from './children';
import { untilStopped } from './stopping';
import { warmStart } from './train-pipeline';

/** A life cycle of one execution: its handlers answer until it ends. */
export class Family {
  stage: RunProgress['stage'] = 'binding';
  /** Of `steps`: objectives or pairings. */
  done = 0;
  private stopRequested = false;
  private readonly stopScope = new CancellationScope();

  constructor(
    private readonly children: readonly string[],
    private readonly steps: number,
  ) {
    setHandler(defineQuery<RunProgress>('progress'), () => this.progress());
    setHandler(defineSignal('stop'), () => this.stop());
    setHandler(defineUpdate<RunProgress>('requestStop'), () => {
      this.stop();
      return this.progress();
    });
  }

  get stopped(): boolean {
    return this.stopRequested;
  }

  /** Does what comes before the children, which a stop cancels. */
  untilStopped<T>(work: () => Promise<T>): Promise<T> {
    return untilStopped(this.stopScope, work);
  }

  /** One warm start, and each objective from it, as many at a time as `parallel` says or as there are trainers. */
  async train(plan: FamilyPlan, onDone: () => void): Promise<{ warmStart: CheckpointRef; runs: ChildRun[] }> {
    const { run, data, recipe, objectives, threads, dataSet, parallel } = plan;
    let trainers = 1;
    const start = await warmStart({ run, recipe, threads, dataSet }, this.stopScope, ({ pool }) => {
      trainers = trainersIn(pool);
    });
    this.stage = 'train';
    const plans = objectives.map((objective): ChildPlan => ({
      objective,
      run: `${run}--${objective}`,
      input: {
        version: 1,
        data,
        recipe: { ...recipe, objective },
        shared: { dataSet, warmStart: start },
        carried: null,
      },
    }));
    const hooks = { stopped: () => this.stopped, onDone };
    return { warmStart: start, runs: await runChildren(plans, parallel ?? trainers, hooks) };
  }

  private stop(): void {
    this.stopRequested = true;
    this.stopScope.cancel();
  }

  private progress(): RunProgress {
    const { stage, done, steps, stopRequested, children } = this;
    return {
      stage,
      epoch: done,
      epochs: steps,
      validationErrors: [],
      stopRequested,
      speed: null,
      children: [...children],
    };
  }
}

export interface FamilyPlan {
  /** The name that the warm start lies under, and children's names begin with. */
  readonly run: string;
  readonly data: TrainPipelineInput['data'];
  readonly recipe: Recipe;
  readonly objectives: readonly ObjectiveName[];
  readonly threads: number;
  readonly dataSet: ObjectRef;
  readonly parallel: number | null;
}
