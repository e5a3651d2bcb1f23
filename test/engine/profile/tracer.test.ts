/** Traced steps in a process that was spawned to trace, and the refusal of one that was not. */
import { spawnEnvironment } from '../../../engine/environment';
import { compiledTracer } from '../../../engine/profile/tracer';
import { defaults, runInChild } from '../support/child';

interface Seen {
  digest: string;
  traced: { op: string; micros: number; shape: number[] | null }[];
  unarmed: number;
}

test('a traced step leaves the bits of one that is not, and names its ops with their times and shapes', () => {
  const seen = runInChild('traced-steps.ts', spawnEnvironment(2, { ...defaults, trace: true })) as Record<
    'compiled' | 'eager',
    [Seen, Seen]
  >;
  for (const [plain, traced] of Object.values(seen)) {
    expect(traced.digest).toBe(plain.digest);
    expect(traced.unarmed).toBe(0);
    const convolutions = traced.traced.filter(({ op }) => /Conv2D/.test(op));
    expect(convolutions.length).toBeGreaterThan(0);
    expect(convolutions.every(({ micros, shape }) => micros > 0 && shape?.length === 4)).toBe(true);
    expect(traced.traced.map(({ op }) => op)).toContain('ResourceApplyMomentum');
  }
  expect(seen.eager[0].digest).toBe(seen.compiled[0].digest);
});

test('a process that was not spawned to trace says so', () => {
  expect(() => compiledTracer()).toThrow(/this process does not trace/);
});
