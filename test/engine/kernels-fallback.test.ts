/** K2: what happens where a fused kernel is wrong or missing. The proofs are replaced; the choice is the real one. */
import { chooseKernels } from '../../engine/kernels';
import { maxPool } from '../../engine/ops/layers';
import { tf } from '../../engine/tf';

jest.mock('../../engine/proofs', () => ({
  proofs: {
    batchNorm: () => ({ equal: true, why: 'bitwise equal to stock' }),
    relu: () => ({ equal: false, why: 'dx differs from stock by 5.0e-1 of its largest magnitude' }),
    maxPool: () => {
      throw new Error("No registered '_MklNativeMaxPool' OpKernel for 'CPU' devices\n more lines");
    },
    momentum: () => {
      throw new Error('the proof of a kernel that is not asked for must not run');
    },
    adam: () => ({ equal: true, why: 'bitwise equal to stock' }),
  },
}));

test('K2: a kernel that fails its proof, or does not exist, is replaced by stock with the reason', () => {
  const wish = { batchNorm: 'fused', relu: 'fused', maxPool: 'fused', momentum: 'stock', adam: 'fused' } as const;
  expect(chooseKernels(wish)).toEqual({
    batchNorm: { kernel: 'fused', why: 'bitwise equal to stock' },
    relu: {
      kernel: 'stock',
      why: 'the fused kernel computes something else: dx differs from stock by 5.0e-1 of its largest magnitude',
    },
    maxPool: {
      kernel: 'stock',
      why: "no fused kernel here: No registered '_MklNativeMaxPool' OpKernel for 'CPU' devices",
    },
    momentum: { kernel: 'stock', why: 'asked for' },
    adam: { kernel: 'fused', why: 'bitwise equal to stock' },
  });
});

test('K2: the op then runs the stock kernel', () => {
  const profile = tf.tidy(() => tf.engine().state.numTensors >= 0 && maxPool(tf.ones([1, 4, 4, 1]), 2, 2).shape);
  expect(profile).toEqual([1, 2, 2, 1]);
});
