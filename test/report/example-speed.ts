/** What the made-up run of example.ts cost, and a profile of one of its steps. */
import type { StepProfile } from '../../config/profile';
import type { SpeedInput } from '../../report/inputs';
import type { ProfileInput } from '../../report/profile-report';
import { nastyNames } from './nasty-names';

const environment = {
  tensorflow: '2.21.0',
  device: 'cpu',
  cpu: 'Example CPU @ 2.0 GHz',
  threads: '2',
  kernels: 'relu=fused',
};

/** Of a warm start and the epochs after it. */
export function exampleSpeed(epochs: number, stepsPerEpoch: number): SpeedInput {
  const epoch = (number: number): SpeedInput['epochs'][number] => ({
    phase: number === 0 ? 'warm-start' : 'train',
    epoch: Math.max(1, number),
    speed: {
      steps: stepsPerEpoch,
      firstRuns: number === 1 ? 1 : 0,
      images: stepsPerEpoch * 48,
      seconds: {
        sample: 0.4,
        wait: 0.3,
        upload: 0.2,
        compile: number === 1 ? 2.2 : 0,
        'warm-up': number === 1 ? 1.1 : 0,
        step: 9,
        record: 0.1,
        checkpoint: 0.6,
        messages: 0.05,
      },
      residentBytes: 1.21e9,
      peakBytes: 1.9e9,
      tensors: 412,
    },
  });
  return { epochs: Array.from({ length: 1 + epochs }, (_, i) => epoch(i)), environment };
}

export function exampleProfile(): ProfileInput {
  const ops = [
    'Conv2D',
    'Conv2DBackpropFilter',
    '_FusedConv2D',
    'MatMul',
    'FusedBatchNormV3',
    'ResourceApplyAdam',
    'Sub',
  ];
  const nodes = Array.from({ length: 400 }, (_, i): NonNullable<StepProfile['nodes']>[number] => ({
    node: i === 5 ? nastyNames.script : `train/${i}_${ops[i % ops.length]}`,
    op: ops[i % ops.length],
    device: 'CPU:0',
    thread: 700_000 + (i % 3),
    start: i * 60,
    micros: 1 + ((i * 37) % 160),
    shape: i % 9 === 0 ? null : [8, 16, 16, 32],
    bytes: 4 * 8 * 16 * 16 * 32,
  }));
  return {
    run: 'groceries-magnet-3f9c21aa',
    version: '0.1.0',
    profile: {
      version: 1,
      phase: 'train',
      epoch: 3,
      network: 'convnet-4, 64 px',
      objective: 'magnet',
      images: 48,
      compiled: true,
      precision: 'float32',
      environment,
      speed: exampleSpeed(1, 75).epochs[1].speed,
      traced: 5,
      nodes,
    },
  };
}
