/** What is chosen by device, on a device that is played: no test machine has a GPU. */
import { requireBf16 } from '../../engine/compile/bf16';
import { fingerprint } from '../../engine/fingerprint';
import { withBinding } from '../../engine/native';
import { matMulRoundoff } from '../../engine/precision';
import { proofs } from '../../engine/proofs';

const onGpu = <T>(run: () => T): T => withBinding({ isUsingGpuDevice: () => true }, run);

test.each(['normRelu', 'maxPool', 'winograd', 'crop'] as const)('our own op of %s is not even tried on a GPU', (op) => {
  expect(() => onGpu(() => proofs[op]())).toThrow(/own ops run on CPUs/);
});

test('nor are products in place of convolutions, which cuDNN has its own kernels for', () => {
  expect(() => onGpu(() => proofs.pointwise())).toThrow(/cuDNN has kernels for it/);
});

test('bf16 is allowed on a GPU whatever the CPU has', () => {
  expect(() => onGpu(() => requireBf16('flags : fpu sse2'))).not.toThrow();
  expect(() => requireBf16('flags : fpu sse2')).toThrow(/engine\.precision: got bf16/);
});

test('the fingerprint of a GPU names TF32 and the driver; that of a CPU does not know them', () => {
  const [gpu, cpu] = [onGpu(fingerprint), fingerprint()];
  expect(gpu).toMatchObject({
    device: expect.stringMatching(/^gpu/),
    tf32: expect.any(String),
    driver: expect.any(String),
  });
  expect(cpu).toMatchObject({ device: 'cpu' });
  expect(Object.keys(cpu)).not.toEqual(expect.arrayContaining(['tf32']));
});

test('the bound on products is that of float32 on this CPU', () => {
  expect(matMulRoundoff()).toEqual({ operand: 0, sum: 2 ** -24 });
});
