/** K2: what happens where a fused kernel is wrong or missing. The proofs are replaced; the choice is the real one. */
import { chooseKernels } from '../../engine/kernels';
import { normReluTraining } from '../../engine/ops/batch-norm';
import { maxPool } from '../../engine/ops/layers';
import { tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';

jest.mock('../../engine/proofs', () => ({
  proofs: {
    batchNorm: () => ({ equal: true, why: 'bitwise equal to stock' }),
    normRelu: () => ({ equal: true, why: 'bitwise equal to stock' }),
    relu: () => ({ equal: false, why: 'dx differs from stock by 5.0e-1 of its largest magnitude' }),
    maxPool: () => {
      throw new Error("No registered 'LodestoneMaxPool' OpKernel for 'CPU' devices\n more lines");
    },
    pointwise: () => ({ equal: true, why: 'bitwise equal to stock' }),
    winograd: () => ({ equal: true, why: 'bitwise equal to stock' }),
    crop: () => {
      throw new Error("lodestone's own ops: ops.node: cannot open shared object file");
    },
    momentum: () => {
      throw new Error('the proof of a kernel that is not asked for must not run');
    },
    adam: () => ({ equal: true, why: 'bitwise equal to stock' }),
  },
}));

test('K2: a kernel that fails its proof, or does not exist, is replaced by stock with the reason', () => {
  const wish = {
    batchNorm: 'fused',
    relu: 'fused',
    normRelu: 'fused',
    maxPool: 'fused',
    pointwise: 'fused',
    winograd: 'fused',
    crop: 'fused',
    momentum: 'stock',
    adam: 'fused',
  } as const;
  expect(chooseKernels(wish)).toEqual({
    batchNorm: { kernel: 'fused', why: 'bitwise equal to stock' },
    relu: {
      kernel: 'stock',
      why: 'the fused kernel computes something else: dx differs from stock by 5.0e-1 of its largest magnitude',
    },
    normRelu: { kernel: 'fused', why: 'bitwise equal to stock' },
    maxPool: {
      kernel: 'stock',
      why: "no fused kernel here: No registered 'LodestoneMaxPool' OpKernel for 'CPU' devices",
    },
    pointwise: { kernel: 'fused', why: 'bitwise equal to stock' },
    winograd: { kernel: 'fused', why: 'bitwise equal to stock' },
    crop: {
      kernel: 'stock',
      why: "no fused kernel here: lodestone's own ops: ops.node: cannot open shared object file",
    },
    momentum: { kernel: 'stock', why: 'asked for' },
    adam: { kernel: 'fused', why: 'bitwise equal to stock' },
  });
});

test('K2: the op then runs the stock kernel, which tfjs knows by name; batch norm with its rectifier stays fused, which it does not', async () => {
  const x = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
  const pooling = await tf.profile(() => maxPool(x, 2, 2));
  expect(pooling.kernelNames).toEqual(['MaxPool']);

  const names = { scale: 'scale', offset: 'offset', mean: 'mean', variance: 'variance' };
  const specs = Object.values(names).map((name) => ({ name, shape: [1], role: 'statistic' as const }));
  const variables = VariableSet.create(specs, () => Float32Array.of(1));
  const normalising = await tf.profile(() => normReluTraining(x, variables, names, [1]));
  expect(normalising.kernelNames).toEqual(['']); // a custom gradient has no name
  variables.dispose();
});
