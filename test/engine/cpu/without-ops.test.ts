/** K2: a set-up of old, or one for another processor, costs speed alone. */
import { runInChild } from '../support/child';

test('where our own ops were not compiled, the stock kernels run and the reason is told', () => {
  const chosen = runInChild('../cpu/without-ops.ts') as Record<string, { kernel: string; why: string }>;
  const why =
    "no fused kernel here: lodestone's own ops: ops.node: cannot open shared object file. `npm run setup` compiles them";
  expect(chosen.normRelu).toEqual({ kernel: 'stock', why });
  expect(chosen.maxPool).toEqual({ kernel: 'stock', why });
  expect(chosen.crop).toEqual({ kernel: 'stock', why });
  expect(chosen.batchNorm.kernel).toBe('fused');
});
