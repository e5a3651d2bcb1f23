/** The bits of our own ops are those of their inputs: not of threads, nor of how wide the vectors of a CPU are. */
import { spawnEnvironment } from '../../../engine/environment';
import { defaults, runInChild } from '../support/child';
import { cpuHas, hasAvx2 } from '../support/cpu';

interface Bits {
  readonly loops: string;
  readonly digest: string;
}

const bitsOf = (threads: number, extra: Record<string, string> = {}): Bits =>
  runInChild('../cpu/digest-of-ops.ts', { ...spawnEnvironment(threads, defaults), ...extra }) as Bits;

(hasAvx2 ? test : test.skip)('one thread, two and three give the same bits', () => {
  const two = bitsOf(2);
  expect(two.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(bitsOf(1)).toEqual(two);
  expect(bitsOf(3)).toEqual(two);
});

const hasAvx512 = cpuHas('avx512bw');
if (!hasAvx512) console.warn('bits of AVX2 and AVX-512: not compared, this CPU has no AVX-512');

(hasAvx512 ? test : test.skip)('AVX2 and AVX-512 give the same bits', () => {
  const wide = bitsOf(2);
  expect(wide.loops).toBe('avx512');
  expect(bitsOf(2, { ONEDNN_MAX_CPU_ISA: 'AVX2' })).toEqual({ loops: 'avx2', digest: wide.digest });
});
