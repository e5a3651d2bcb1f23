/** Branches of a compiled step run side by side (engine/environment.ts): that must not show in the bits (DURABILITY B1). */
import { spawnEnvironment, spawnVariables } from '../../../engine/environment';
import { defaults, runInChild } from '../../engine/support/child';

const digest = (kernels: string, branches: string): unknown =>
  runInChild('../../learning/training/branching-steps.ts', {
    ...spawnEnvironment(2, defaults),
    [spawnVariables.interOpThreads]: branches,
    KERNELS: kernels,
  });

test('one branch at a time and two side by side give the same bits, with fused and with stock kernels', () => {
  const fused = digest('proven', '1');
  expect(fused).toMatch(/^[0-9a-f]{64}$/);
  expect(digest('proven', '2')).toBe(fused);
  expect(digest('proven', '2')).toBe(fused);
  const stock = digest('stock', '1');
  expect(stock).not.toBe(fused); // so that equal digests mean something
  expect(digest('stock', '2')).toBe(stock);
});
