/** The session that benches train unless they say otherwise: Magnet, 12 clusters of 4 images a step, compiled, epochs without end. */
import type { SessionConfig } from '../../learning/training/session';

const LEARNING_RATE = 0.001;

export function sessionConfig(
  own: Pick<SessionConfig, 'network' | 'precision'> & Partial<SessionConfig>,
): SessionConfig {
  return {
    objective: {
      type: 'magnet',
      learningRate: LEARNING_RATE,
      alpha: 1,
      globalScaling: 1,
      clustersPerClass: 2,
      clustersPerBatch: 12,
      examplesPerCluster: 4,
    },
    optimizer: { type: 'momentum', momentum: 0.9 },
    warmStart: { epochs: 0, learningRate: LEARNING_RATE, batchSize: 48 },
    epochs: 1_000_000,
    stepsPerEpoch: 1_000_000,
    annealTo: 1,
    seed: 1,
    views: 1,
    kernels: 'proven',
    compile: true,
    ...own,
  };
}
