/**
 * Where a run stands: a plain class without Temporal, so that tests drive it by hand. Crosses continue-as-new as JSON.
 * Everything that it decides follows from what activities returned and what updates asked for.
 */
import type { CheckpointRef, IndexRef, ObjectRef } from '../config/artifacts';
import type { Recipe } from '../config/recipe';
import { speedFigures, type SpeedFigures } from '../config/speed';
import type { Carried, RunProgress } from '../config/workflow-input';
import type { BoundRun, EpochOutcome, RefreshOutcome } from '../activities/requests';

/** Earlier epochs kept to go back to when a stored input cannot be read (S8). */
const KEPT_EPOCHS = 3;
/** Going back more often than this without a new epoch leads nowhere. */
const MAX_REWINDS = 3;

export class RunState {
  stage: RunProgress['stage'] = 'binding';
  stopRequested = false;
  private readonly history: Pick<Carried, 'checkpoint' | 'index' | 'epoch'>[] = [];
  /** How often the run went back since its furthest epoch was first reached. */
  private rewinds = 0;
  private furthest = 0;
  private speed: SpeedFigures | null = null;

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

  trained({ checkpoint, outcome, speed }: EpochOutcome): void {
    if (speed) this.speed = speedFigures([speed]);
    const { checkpoint: before, index, epoch } = this.carried;
    this.history.push({ checkpoint: before, index, epoch });
    if (this.history.length > KEPT_EPOCHS) this.history.shift();
    if (outcome === 'stopped') this.stopRequested = true;
    this.carried = { ...this.carried, checkpoint, epoch: outcome === 'finished' ? epoch + 1 : epoch };
    if (this.carried.epoch <= this.furthest) return;
    this.furthest = this.carried.epoch;
    this.rewinds = 0;
  }

  /**
   * Goes back to where the input was still good (S8): to the epoch that began there, where nothing is named to the epoch before, else
   * to the beginning. What is repeated and whole is found, not computed again (S5). After a stop nothing is trained again: the
   * next start goes back.
   * @param lastGood digest of the last checkpoint known to be good; null: not known
   * @returns false where going back has not helped
   */
  rewind(lastGood: string | null): boolean {
    if (this.stopRequested || this.rewinds >= MAX_REWINDS) return false;
    this.rewinds += 1;
    const named = this.history.findIndex(({ checkpoint }) => lastGood !== null && checkpoint?.digest === lastGood);
    const at = lastGood === null && this.rewinds === 1 ? this.history.length - 1 : named;
    const before = this.history.at(at);
    if (at < 0 || before === undefined) {
      const beginning = { checkpoint: null, warmStart: null, index: null, epoch: 0, validationErrors: [] };
      this.history.length = 0;
      this.carried = { ...this.carried, ...beginning };
      return true;
    }
    this.history.length = at;
    const validationErrors = this.carried.validationErrors.slice(0, before.epoch + 1);
    this.carried = { ...this.carried, ...before, validationErrors };
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
    const { stage, stopRequested, speed } = this;
    return { stage, epoch, epochs, validationErrors, stopRequested, speed, children: [] };
  }
}
