/**
 * One training session: the network of a run with its optimizer, sampler and curve, from the first weights through the
 * softmax warm start to the last epoch of the objective. Its whole state can be captured after any step and restored in
 * another process. Does not know checkpoints, clocks or when to stop: hooks say so.
 *
 * Invariants:
 *   T1  What a step computes depends on seed, position and captured state alone: restored is as unbroken, bit for bit.
 *   T2  Capturing changes nothing (DURABILITY B4).
 *   T3  The warm start depends on data, network, warm-start options, optimizer and seed, not on the objective after it.
 */
import type { CurveRow, Phase, Position } from '../../config/artifacts';
import type { StepPart } from '../../config/speed';
import type { Normalise } from '../../engine/augment';
import { chooseKernels } from '../../engine/kernels';
import { collectGarbage } from '../../engine/memory';
import { checkValues, VariableSet, type VariableSpec } from '../../engine/variables';
import type { BatchSource } from '../batch-source';
import type { RunIndex } from '../index/run-index';
import { networkFor, parameterCount, type Network } from '../networks/network';
import { rngFor } from '../random';
import { samplerFor, type Batch, type Sampler } from '../sampling/sampler';
import { classesOf, type TrainingData } from '../training-data';
import { collapsed, notFinite } from './divergence';
import { embedExamples, logitsOf } from './embedding';
import { StepExecutor } from './executor';
import { ForwardPass } from './forward';
import { inputStatistics } from './input-statistics';
import { beginningOf, placeInEpoch, requireWarmStart } from './place';
import { phaseSpecs, planOf, type PhasePlan, type SessionConfig } from './plan';
import { RunningVariance } from './running-variance';
import { partsOf, tensorsOf, type SamplerState, type SessionState } from './state';
import { HEAD, trainStep } from './train-step';
import { randomViews } from './views';

export type { SessionConfig } from './plan';

export interface EpochHooks {
  onStep(row: CurveRow): void;
  /** Awaited after every step; must yield a macrotask (DURABILITY P1) and may capture. */
  afterStep(): Promise<void>;
  /** Asked before every step. */
  shouldStop(): boolean;
  /** Told of each part of a step as it begins, for whoever has a clock. */
  enter?(part: StepPart): void;
}

const STEPS_BETWEEN_COLLECTIONS = 256;

export class TrainingSession {
  readonly embeddingSize: number;
  /** Trained numbers of the network, without the softmax head. */
  readonly parameterCount: number;
  private readonly network: Network;
  private readonly pass: ForwardPass;
  private place: Position = beginningOf('warm-start');
  private plan: PhasePlan;
  private executor: StepExecutor;
  private curve: CurveRow[] = [];
  private sampler: Sampler | null = null;
  private samplerState: SamplerState | null = null;
  private variance = RunningVariance.empty;

  private constructor(
    private readonly config: SessionConfig,
    private readonly data: TrainingData,
    private readonly source: BatchSource,
    private input: Normalise,
  ) {
    this.network = networkFor(config.network, source.channels);
    this.pass = new ForwardPass(this.network, config);
    this.embeddingSize = config.network.embeddingSize;
    this.parameterCount = parameterCount(this.network.specs);
    this.plan = planOf(config, 'warm-start', data.train.length);
    this.executor = this.newExecutor('warm-start', (spec) => this.network.initial(spec, config.seed));
  }

  /** The first weights of the seed, at the beginning of the warm start. */
  static async create(config: SessionConfig, data: TrainingData, source: BatchSource): Promise<TrainingSession> {
    chooseKernels(config.kernels);
    return new TrainingSession(config, data, source, await inputStatistics(data, source));
  }

  get position(): Position {
    return this.place;
  }

  /** Steps of an epoch of the present phase. */
  get stepsPerEpoch(): number {
    return this.plan.stepsPerEpoch;
  }

  /** Bias-corrected moving average of σ̂²; null before the first step of an objective that has one. */
  get runningVariance(): number | null {
    return this.variance.value;
  }

  /** A copy of everything (T2). Throws NumericalDivergence where a weight is not finite: such a state leads nowhere. */
  capture(): SessionState {
    const variables = this.executor.read();
    for (const [name, values] of variables)
      if (!allFinite(values)) throw notFinite(this.place, this.learningRate, name);
    const sampler = this.presentSamplerState();
    const { input, variance } = this;
    const tensors = tensorsOf(this.specsOf(this.place.phase), { variables, input, variance, sampler });
    return { position: this.place, tensors, curve: [...this.curve] };
  }

  /** Becomes what was captured (T1), whatever phase either is in. Throws CheckpointIncompatible, changing nothing. */
  restore(state: SessionState): void {
    const { position, curve } = state;
    const sizes = { channels: this.source.channels, rows: this.data.train.length };
    const { variables, input, variance, sampler } = partsOf(state, sizes);
    if (position.phase === this.place.phase && JSON.stringify(input) === JSON.stringify(this.input)) {
      this.executor.restore(variables);
    } else {
      this.enterPhase(position.phase, input, variables);
    }
    this.place = position;
    this.curve = [...curve];
    this.sampler = null;
    this.samplerState = sampler;
    this.variance = variance;
  }

  /** From the end of the warm start to the beginning of training: slots and sampler afresh, a head for softmax only. */
  beginTraining(): void {
    requireWarmStart(this.place, this.config.warmStart.epochs, this.plan.stepsPerEpoch);
    const kept = this.executor.read();
    const values = this.specsOf('train').map((spec): [string, Float32Array] => [
      spec.name,
      spec.role === 'slot' ? this.network.initial(spec, this.config.seed) : (kept.get(spec.name) as Float32Array),
    ]);
    this.enterPhase('train', this.input, new Map(values));
    this.place = beginningOf('train');
    this.curve = [];
    this.sampler = null;
    this.samplerState = null;
    this.variance = RunningVariance.empty;
  }

  /**
   * Trains an epoch of the present phase, from where the position is in it. Throws NumericalDivergence naming the step.
   * @param epoch from 1: the position's, or the one after it
   * @param index of the last refresh; null where the phase's objective reads none
   */
  async trainEpoch(epoch: number, index: RunIndex | null, hooks: EpochHooks): Promise<'finished' | 'stopped'> {
    this.enterEpoch(epoch);
    const { objective, stepsPerEpoch, samplingSeed } = this.plan;
    if (this.place.step === stepsPerEpoch) return 'finished';

    const state = this.presentSamplerState();
    this.sampler = samplerFor(objective, this.data, index, samplingSeed);
    if (state !== null) this.sampler.restore(state);
    while (this.place.step < stepsPerEpoch) {
      if (hooks.shouldStop()) return 'stopped';
      hooks.enter?.('sample');
      const row = await this.runStep(this.sampler, this.sampler.draw(epoch, this.place.step), hooks);
      hooks.onStep(row);
      if (this.place.globalStep % STEPS_BETWEEN_COLLECTIONS === 0) collectGarbage();
      await hooks.afterStep();
    }
    return 'finished';
  }

  /**
   * Embeddings in inference mode, of the centre view or the mean of 16 seeded views; L2-normalised while triplet with
   * `normalise` is trained: there f(x) is the normalised vector.
   * @returns float32 [examples.length, E], in the order of the examples
   */
  embed(examples: readonly number[], onBatch: (done: number) => Promise<void>): Promise<Float32Array> {
    const { objective } = this.plan;
    return embedExamples(
      {
        pass: this.pass,
        weights: this.executor,
        source: this.source,
        input: this.input,
        inputSize: this.config.network.inputSize,
        embeddingSize: this.embeddingSize,
        views: this.config.views,
        seed: this.config.seed,
        normalise: objective.type === 'triplet' && objective.normalise,
      },
      examples,
      onBatch,
    );
  }

  /** Logits of the softmax head, float32 [n, classes], of embeddings [n, E]; null where the phase has no head. */
  headScores(embeddings: Float32Array): Float32Array | null {
    const variables = this.executor.present();
    return variables.has(`${HEAD}/w`) ? logitsOf(variables, HEAD, embeddings, this.embeddingSize) : null;
  }

  dispose(): void {
    this.pass.dispose();
    this.executor.dispose();
  }

  private async runStep(sampler: Sampler, batch: Batch, hooks: EpochHooks): Promise<CurveRow> {
    const enter = (part: StepPart): void => hooks.enter?.(part);
    const { phase, epoch, step, globalStep } = this.place;
    enter('wait');
    const pixels = await this.source.read(batch.examples);
    enter('sample');
    const { edge, channels } = this.source;
    const geometry = { edge, inputSize: this.config.network.inputSize };
    const views = rngFor(this.config.seed, 'augment', phase, epoch, step);
    const given = {
      pixels,
      edge,
      channels,
      boxes: randomViews(batch.examples.length, geometry, views),
      classes: batch.clusterClass ?? classesOf(this.data, batch.examples, 'trained'),
      learningRate: this.plan.learningRate(epoch),
      update: globalStep + 1,
    };
    const { losses, wrong, variance } = this.executor.run(given, enter);
    if (variance === 0) throw collapsed(this.place, this.learningRate, step + 1);
    if (!losses.every(Number.isFinite) || !Number.isFinite(variance ?? 0))
      throw notFinite(this.place, this.learningRate, 'the loss', step + 1);

    sampler.record(batch.trainRows, losses);
    if (variance !== null) this.variance = this.variance.followedBy(variance);
    this.place = { phase, epoch, step: step + 1, globalStep: globalStep + 1 };
    const row = { step: globalStep + 1, epoch, loss: meanOf(losses), error: meanOf(wrong), variance };
    this.curve.push(row);
    return row;
  }

  private enterEpoch(epoch: number): void {
    const entered = placeInEpoch(this.place, epoch, this.plan.stepsPerEpoch);
    if (entered === this.place) return;
    this.place = entered;
    this.curve = [];
  }

  private enterPhase(phase: Phase, input: Normalise, values: ReadonlyMap<string, Float32Array>): void {
    const given = new Map(checkValues(this.specsOf(phase), values).map((fit) => [fit.spec.name, fit.given]));
    this.plan = planOf(this.config, phase, this.data.train.length);
    this.input = input;
    const left = this.executor;
    this.executor = this.newExecutor(phase, ({ name }) => given.get(name) as Float32Array);
    left.dispose();
  }

  private newExecutor(phase: Phase, initial: (spec: VariableSpec) => Float32Array): StepExecutor {
    const { network, input, config } = this;
    const step = trainStep({
      network,
      input,
      inputSize: config.network.inputSize,
      objective: this.plan.objective,
      optimizer: config.optimizer,
    });
    return new StepExecutor(VariableSet.create(this.specsOf(phase), initial), step, config);
  }

  private specsOf(phase: Phase): VariableSpec[] {
    return phaseSpecs(this.config, phase, this.network.specs, this.data.classes.length);
  }

  private presentSamplerState(): SamplerState | null {
    return this.sampler === null ? this.samplerState : this.sampler.state();
  }

  private get learningRate(): number {
    return this.plan.learningRate(this.place.epoch);
  }
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** In a fraction of the time of a call for each of millions of weights: x − x is 0 for a finite x and NaN for any other. */
function allFinite(values: Float32Array): boolean {
  let zero = 0;
  for (let i = 0; i < values.length; i++) zero += values[i] - values[i];
  return zero === 0;
}
