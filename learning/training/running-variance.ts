/**
 * σ² for read-outs: the bias-corrected moving average of the steps' σ̂² (METHOD §4). A plain value, part of the state.
 */

/** σ̂² of a step weighs this much less with each later step. */
const DECAY = 0.99;

export class RunningVariance {
  static readonly empty = new RunningVariance(0, 0);

  /**
   * @param sum    of the steps' σ̂², weighted
   * @param weight sum of these weights, which corrects the bias of a short history
   */
  constructor(
    readonly sum: number,
    readonly weight: number,
  ) {}

  /** null before the first step. */
  get value(): number | null {
    return this.weight > 0 ? this.sum / this.weight : null;
  }

  followedBy(variance: number): RunningVariance {
    return new RunningVariance(DECAY * this.sum + (1 - DECAY) * variance, DECAY * this.weight + (1 - DECAY));
  }
}
