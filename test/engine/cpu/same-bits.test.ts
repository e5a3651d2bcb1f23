/** The bits of our own ops are those of their inputs: not of threads, nor of how wide the vectors of a CPU are. */
import { spawnEnvironment } from '../../../engine/environment';
import { defaults, runInChild } from '../support/child';

const digest = (threads: number, extra: Record<string, string> = {}): unknown =>
  runInChild('../cpu/digest-of-ops.ts', { ...spawnEnvironment(threads, defaults), ...extra });

test('one thread, three threads and narrower vectors give the same bits', () => {
  const bits = digest(2);
  expect(bits).toEqual({ ops: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  expect(digest(1)).toEqual(bits);
  expect(digest(3)).toEqual(bits);
  expect(digest(2, { ONEDNN_MAX_CPU_ISA: 'AVX2' })).toEqual(bits);
});
