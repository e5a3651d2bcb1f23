import { chooseKernels, kernelFor, kernelOps, kernelsInUse } from '../../engine/kernels';
import { compare } from '../../engine/proofs';
import { tf } from '../../engine/tf';
import { hasAvx2 } from './support/cpu';

test('every proof holds on this machine or gives its reason, and leaves no tensor behind', () => {
  for (const op of kernelOps) {
    const { why } = chooseKernels()[op];
    expect(why).toMatch(/bitwise equal|differs from stock by|no fused kernel here/);
  }
  expect(tf.memory().numTensors).toBe(0);
});

test('every fused kernel that exists here passes its proof; ours are missing without AVX2', () => {
  const mayLack = hasAvx2 ? [] : ['normRelu', 'maxPool', 'winograd', 'crop'];
  for (const op of kernelOps) {
    const { kernel, why } = chooseKernels()[op];
    if (why.startsWith('no fused kernel here')) console.warn(`not proven: ${op}: ${why}`);
    const lacks = why.startsWith('no fused') && mayLack.includes(op);
    expect({ op, kernel, why }).toMatchObject({ kernel: lacks ? 'stock' : 'fused' });
  }
});

test('K1: the choice is made once; another wish in the same process is an error', () => {
  expect(kernelsInUse()).toBe(chooseKernels());
  expect(chooseKernels('proven')).toBe(chooseKernels());
  expect(kernelFor('relu')).toBe(chooseKernels().relu.kernel);
  expect(() => chooseKernels('stock')).toThrow(/"stock", but this process chose under "proven" already/);
});

describe('the comparison', () => {
  const stock = { y: Float32Array.of(1, -2, 4), dx: Float32Array.of(0, 0.5, 0) };

  test('calls equal what is equal to rounding and says how far apart it is', () => {
    expect(compare(stock, stock)).toEqual({ equal: true, why: 'bitwise equal to stock' });
    const rounded = { ...stock, y: Float32Array.of(1, -2, 4.00001) };
    expect(compare(rounded, stock)).toEqual({ equal: true, why: expect.stringMatching(/^y differs .* by 2\.5e-6/) });
  });

  test('controls: a wrong number, a wrong size, NaN and a missing result are not equal', () => {
    expect(compare({ ...stock, dx: Float32Array.of(0, 0.501, 0) }, stock)).toMatchObject({ equal: false });
    expect(compare({ ...stock, dx: Float32Array.of(0, 0.5) }, stock)).toMatchObject({ equal: false });
    expect(compare({ ...stock, y: Float32Array.of(NaN, -2, 4) }, stock)).toMatchObject({ equal: false });
    expect(compare({ ...stock, y: Float32Array.of(Infinity, -2, 4) }, stock)).toMatchObject({ equal: false });
    expect(compare({ y: stock.y }, stock)).toMatchObject({ equal: false });
  });
});
