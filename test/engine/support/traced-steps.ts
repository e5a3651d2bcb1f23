/** Prints what compiled and eager steps leave, traced and not, and what the tracer saw of them. */
import { createHash } from 'node:crypto';
import { Program } from '../../../engine/compile/program';
import { compiledTracer, eagerTracer, type StepTracer } from '../../../engine/profile/tracer';
import { runEagerStep } from '../../../engine/step';
import { tf } from '../../../engine/tf';
import type { VariableSet } from '../../../engine/variables';
import { smallBatch, smallNet, smallStep } from './small-net';

interface Seen {
  readonly digest: string;
  readonly traced: { readonly op: string; readonly micros: number; readonly shape: number[] | null }[];
  /** What the tracer takes after a step that it was not armed for. */
  readonly unarmed: number;
}

function digestOf(values: Map<string, Float32Array>): string {
  const hash = createHash('sha256');
  for (const [name, array] of values) hash.update(name).update(new Uint8Array(array.buffer));
  return hash.digest('hex');
}

function threeSteps(run: (seed: number) => tf.TensorContainer, tracer: StepTracer | null): Omit<Seen, 'digest'> {
  tf.dispose(run(0));
  tracer?.arm();
  tf.dispose(run(1));
  const traced = tracer?.take()() ?? [];
  tf.dispose(run(2));
  const unarmed = tracer?.take()().length ?? 0;
  return { traced: traced.map(({ op, micros, shape }) => ({ op, micros, shape })), unarmed };
}

function compiled(tracer: StepTracer | null): Seen {
  const variables = smallNet('momentum');
  const example = smallBatch(99);
  const program = Program.compile(variables, { train: { step: smallStep('momentum'), example } });
  const seen = threeSteps((seed) => program.run('train', smallBatch(seed)), tracer);
  return { ...seen, digest: digestOf(program.read()) };
}

function eager(tracer: StepTracer | null): Seen {
  const variables: VariableSet = smallNet('momentum');
  const seen = threeSteps((seed) => runEagerStep(smallStep('momentum'), variables, smallBatch(seed)), tracer);
  return { ...seen, digest: digestOf(variables.read()) };
}

console.log(
  JSON.stringify({
    compiled: [compiled(null), compiled(compiledTracer())],
    eager: [eager(null), eager(eagerTracer())],
  }),
);
