/**
 * Kernel times of our compiled training step by op, by TensorFlow's own statistics: prints one line of JSON. Arguments are
 * the case and the variant. For `ops.bench.ts`; needs a process that traces (engine/environment.ts).
 */
import { chooseKernels } from '../../engine/kernels';
import { compiledTracer } from '../../engine/profile/tracer';
import { caseNamed, trainCases } from './cases';
import { median } from './interleave';
import { bareSteps, stepVariants } from './train-steps';

export interface OpTimes {
  /** Median of a step, traced. */
  readonly stepMs: number;
  /** Of the step whose kernels took the median time. */
  readonly ops: Readonly<Record<string, { readonly count: number; readonly ms: number }>>;
}

const WARM_UP = 4;
const TRACED = 9;

const [caseName, variant] = process.argv.slice(2);
const one = caseNamed(trainCases, caseName);
chooseKernels('proven');
const step = bareSteps(one, stepVariants[variant]);
const tracer = compiledTracer();
for (let i = 0; i < WARM_UP; i++) step();
const traced = Array.from({ length: TRACED }, () => {
  tracer.arm();
  const start = performance.now();
  step();
  const stepMs = performance.now() - start;
  const nodes = tracer.take()();
  return { stepMs, nodes, kernels: nodes.reduce((sum, { micros }) => sum + micros, 0) };
});
const { nodes } = [...traced].sort((a, b) => a.kernels - b.kernels)[Math.floor(TRACED / 2)];
const ops: Record<string, { count: number; ms: number }> = {};
for (const { op, micros } of nodes) {
  const { count, ms } = ops[op] ?? { count: 0, ms: 0 };
  ops[op] = { count: count + 1, ms: ms + micros / 1000 };
}
console.log(JSON.stringify({ stepMs: median(traced.map(({ stepMs }) => stepMs)), ops } satisfies OpTimes));
