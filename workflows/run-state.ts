/**
 * Where a run stands: a plain class without Temporal, so that tests drive it by hand. Crosses continue-as-new as JSON.
 * Everything that it decides follows from what activities returned and what updates asked for.
 */
import type { CheckpointRef, IndexRef, ObjectRef } from '../config/artifacts';
import type { Recipe } from '../config/recipe';
import type { Carried, RunProgress } from '../config/workflow-input';
import type { BoundRun, EpochOutcome, RefreshOutcome } from '../activities/requests';

/** Earlier epochs kept to go back to when a stored input cannot be read (S8). */
const REWIND_DEPTH = 3;

export class RunState {
  stage: RunProgress['stage'] = 'binding';
  stopRequested = false;
  private readonly history: Pick<Carried, 'checkpoint' | 'index' | 'epoch'>[] = [];
  private rewinds = 0;

  private constructor(private carried: Carried) {
    this.stopRequested = carried.stopRequested;
  }

  static start(recipe: Recipe, bound: BoundRun, dataSet: ObjectRef): RunState {
    const { configuration, threads } = bound;
    return new RunState({
      dataSet,
      threads,
      configuration,
      checkpoint: null,
      warmStart: null,
      index: null,
      epoch: 0,
      epochs: recipe.epochs,
      stopRequested: false,
      validationErrors: [],
    });
  }

  static resume(carried: Carried): RunState {
    return new RunState({ ...carried });
  }

  get dataSet(): ObjectRef {
    return this.carried.dataSet;
  }
  get threads(): number {
    return this.carried.threads;
  }
  get configuration(): string {
    return this.carried.configuration;
  }
  get epoch(): number {
    return this.carried.epoch;
  }
  get epochs(): number {
    return this.carried.epochs;
  }
  get checkpoint(): CheckpointRef | null {
    return this.carried.checkpoint;
  }
  get index(): IndexRef | null {
    return this.carried.index;
  }
  get warmStart(): CheckpointRef | null {
    return this.carried.warmStart;
  }
  get validationErrors(): readonly (number | null)[] {
    return this.carried.validationErrors;
  }

  warmStarted(checkpoint: CheckpointRef): void {
    this.carried = { ...this.carried, warmStart: checkpoint, checkpoint };
  }

  hasWork(): boolean {
    return !this.stopRequested && this.carried.epoch < this.carried.epochs;
  }

  /** The index of the first epoch comes from the warm start; each later one from the epoch before. */
  refreshed({ index }: RefreshOutcome): void {
    this.carried = {
      ...this.carried,
      index,
      validationErrors: [...this.carried.validationErrors, index.validationError],
    };
  }

  trained({ checkpoint, outcome }: EpochOutcome): void {
    const { checkpoint: before, index, epoch } = this.carried;
    this.history.push({ checkpoint: before, index, epoch });
    if (this.history.length > REWIND_DEPTH) this.history.shift();
    if (outcome === 'stopped') this.stopRequested = true;
    this.carried = { ...this.carried, checkpoint, epoch: outcome === 'finished' ? epoch + 1 : epoch };
  }

  /** Goes back to the epoch before (S8). @returns false where there is nothing to go back to */
  rewind(): boolean {
    const before = this.history.pop();
    if (!before || this.rewinds >= REWIND_DEPTH) return false;
    this.rewinds += 1;
    this.carried = {
      ...this.carried,
      ...before,
      validationErrors: this.carried.validationErrors.slice(0, before.epoch + 1),
    };
    return true;
  }

  /** @param epochs absolute target, so that asking twice changes nothing (W2) */
  extend(epochs: number): void {
    this.carried = { ...this.carried, epochs: Math.max(this.carried.epochs, epochs) };
  }

  requestStop(): void {
    this.stopRequested = true;
  }

  carry(): Carried {
    return { ...this.carried, stopRequested: this.stopRequested };
  }

  progress(): RunProgress {
    const { epoch, epochs, validationErrors } = this.carried;
    return { stage: this.stage, epoch, epochs, validationErrors, stopRequested: this.stopRequested, children: [] };
  }
}
