/**
 * What a phase of a run trains: its objective, how many steps an epoch has, how large each is. The warm start's plan
 * depends on nothing of the objective that follows, so that all objectives can share it.
 */
import type { Phase } from '../../config/artifacts';
import type { NetworkOptions } from '../../config/network';
import type { Objective } from '../../config/objective';
import type { OptimizerOptions, Recipe } from '../../config/recipe';
import type { Precision } from '../../engine/compile/bf16';
import { slotSpecs } from '../../engine/ops/optimizers';
import type { VariableSpec } from '../../engine/variables';
import { assertNever } from '../../errors';
import { denseSpecs } from '../networks/layers';
import { learningRateAt } from '../optimizer';
import { rngFor } from '../random';
import { imagesPerStep } from '../sampling/sampler';
import { HEAD } from './train-step';

export interface SessionConfig {
  readonly network: NetworkOptions;
  readonly objective: Objective;
  readonly optimizer: OptimizerOptions;
  readonly warmStart: Recipe['warmStart'];
  readonly epochs: number;
  /** null: training examples / images a step, rounded up. */
  readonly stepsPerEpoch: number | null;
  readonly annealTo: number;
  readonly seed: number;
  readonly views: 1 | 16;
  readonly kernels: 'proven' | 'stock';
  readonly compile: boolean;
  readonly precision: Precision;
}

export interface PhasePlan {
  readonly objective: Objective;
  readonly stepsPerEpoch: number;
  /** Seed of the phase's batches: a softmax run does not see its warm start's batches again. */
  readonly samplingSeed: number;
  learningRate(epoch: number): number;
}

export function planOf(config: SessionConfig, phase: Phase, trainingExamples: number): PhasePlan {
  const samplingSeed = rngFor(config.seed, 'sampling', phase).nextUint32();
  switch (phase) {
    case 'warm-start': {
      const { learningRate, batchSize } = config.warmStart;
      return {
        objective: { type: 'softmax', learningRate, batchSize },
        stepsPerEpoch: Math.ceil(trainingExamples / batchSize),
        samplingSeed,
        learningRate: () => learningRate,
      };
    }
    case 'train': {
      const { objective, epochs, annealTo } = config;
      return {
        objective,
        stepsPerEpoch: config.stepsPerEpoch ?? Math.ceil(trainingExamples / imagesPerStep(objective)),
        samplingSeed,
        learningRate: (epoch) => learningRateAt({ learningRate: objective.learningRate, epochs, annealTo }, epoch),
      };
    }
    default:
      return assertNever(phase);
  }
}

/** Every variable of a phase: the network's, the softmax head's where there is one, and the optimizer's slots of both. */
export function phaseSpecs(
  { network, objective, optimizer }: SessionConfig,
  phase: Phase,
  networkSpecs: readonly VariableSpec[],
  classes: number,
): VariableSpec[] {
  const hasHead = phase === 'warm-start' || objective.type === 'softmax';
  const model = [...networkSpecs, ...(hasHead ? denseSpecs(HEAD, network.embeddingSize, classes) : [])];
  return [...model, ...slotSpecs(optimizer.type, model)];
}
