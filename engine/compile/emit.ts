/**
 * Turns a trace into nodes of a graph: inputs become placeholders, variables named resources, program order of reads
 * and writes control edges. Knows graphs; does not know sessions (program.ts).
 *
 * Invariants:
 *   G1  A read of a variable follows the write before it, and a write follows all reads and the write before it.
 *   G2  Every output waits for every write: who fetches one output has made the whole step happen.
 *   G3  Whatever the precision, inputs, outputs and variables have the types they were traced with.
 */
import { assertNever } from '../../errors';
import { binding, type Attribute } from '../native';
import { narrowed, TF_BFLOAT16, type Precision } from './bf16';
import { emitFeed } from './feeds';
import type { GraphBuilder } from './graph';
import type { AttributeValue } from './protobuf';
import { completeAttributes } from './signatures';
import { untraceable, type RecordedOp, type Source, type Trace } from './trace';

export const nodeNames = {
  variable: (name: string): string => `variable/${name}`,
  input: (step: string, name: string): string => `${step}/input/${name}`,
  output: (step: string, name: string): string => `${step}/output/${name}`,
};

/** Ops that take a resource and leave it as it is; all others count as writes. */
const READS = new Set(['ReadVariableOp', 'ResourceGather', 'ResourceGatherNd', 'VariableShape', 'VarIsInitializedOp']);

/** Adds the nodes of one step, all under `<step>/`. The variables' nodes are there already. */
export function emitStep(graph: GraphBuilder, step: string, trace: Trace, precision: Precision): void {
  for (const input of trace.inputs) emitFeed(graph, nodeNames.input(step, input.name), input);

  const live = liveOps(trace);
  const before = orderOf(trace.ops);
  const opName = (op: number): string => `${step}/${op}_${trace.ops[op].op.replace(/^_+/, '')}`;
  const outputName = (op: number, output: number): string => (output === 0 ? opName(op) : `${opName(op)}:${output}`);
  const nameOf = (source: Source): string => {
    switch (source.type) {
      case 'op':
        return outputName(source.op, source.output);
      case 'constant':
        return graph.constant(trace.constants[source.constant]);
      case 'input':
        return nodeNames.input(step, source.name);
      case 'variable':
        return nodeNames.variable(source.name);
      default:
        return assertNever(source);
    }
  };

  const casts = new Casts(graph, step);
  trace.ops.forEach((op, i) => {
    if (!live.has(i)) return;
    const types = op.inputs.map((source) => typeOfSource(trace, source));
    const attributes = attributeValues(op.op, completeAttributes(op.op, op.attributes, types));
    const order = before[i].filter((earlier) => live.has(earlier)).map((earlier) => `^${opName(earlier)}`);
    const names = op.inputs.map(nameOf);
    const narrow = precision === 'bf16' ? narrowed(op, (input) => casts.isNarrow(names[input])) : null;
    const inputs = names.map((name, input) => (narrow?.inputs.includes(input) ? casts.narrow(name) : casts.wide(name)));
    graph.add(opName(i), op.op, [...inputs, ...order], narrow ? { ...attributes, T: typeOf(TF_BFLOAT16) } : attributes);
    for (let output = 0; output < (narrow?.outputs ?? 0); output++) casts.isNow(outputName(i, output));
  });

  const writes = trace.ops.flatMap((op, i) => (isWrite(op) ? [`^${opName(i)}`] : []));
  const done = graph.add(`${step}/done`, 'NoOp', writes, {});
  for (const { name, source } of trace.outputs) {
    const attributes = { T: typeOf(typeOfSource(trace, source)) };
    graph.add(nodeNames.output(step, name), 'Identity', [casts.wide(nameOf(source)), `^${done}`], attributes);
  }
}

/** Casts between float32 and bfloat16, each made once (G3). */
class Casts {
  private readonly made = new Map<string, string>();
  private readonly narrowTensors = new Set<string>();

  constructor(
    private readonly graph: GraphBuilder,
    private readonly step: string,
  ) {}

  isNarrow(tensor: string): boolean {
    return this.narrowTensors.has(tensor);
  }

  isNow(tensor: string): void {
    this.narrowTensors.add(tensor);
  }

  narrow(tensor: string): string {
    return this.isNarrow(tensor) ? tensor : this.cast(tensor, binding().TF_FLOAT, TF_BFLOAT16);
  }

  wide(tensor: string): string {
    return this.isNarrow(tensor) ? this.cast(tensor, TF_BFLOAT16, binding().TF_FLOAT) : tensor;
  }

  private cast(tensor: string, from: number, to: number): string {
    const known = this.made.get(tensor);
    if (known !== undefined) return known;
    const attributes = { SrcT: typeOf(from), DstT: typeOf(to), Truncate: { type: 'bool', value: false } as const };
    const name = this.graph.add(`${this.step}/cast/${this.made.size}`, 'Cast', [tensor], attributes);
    this.made.set(tensor, name);
    return name;
  }
}

function isWrite({ op, inputs }: RecordedOp): boolean {
  return !READS.has(op) && inputs.some(({ type }) => type === 'variable');
}

/** What outputs and writes need; the rest of the recording (gradients nobody asked for) is left out. */
function liveOps({ ops, outputs }: Trace): Set<number> {
  const live = new Set<number>();
  const pending = ops.flatMap((op, i) => (isWrite(op) ? [i] : []));
  for (const { source } of outputs) if (source.type === 'op') pending.push(source.op);
  for (let op = pending.pop(); op !== undefined; op = pending.pop()) {
    if (live.has(op)) continue;
    live.add(op);
    for (const source of ops[op].inputs) if (source.type === 'op') pending.push(source.op);
  }
  return live;
}

/** G1: for each op, the ops that must have run before it because of the variables that both use. */
function orderOf(ops: readonly RecordedOp[]): number[][] {
  const lastWrite = new Map<string, number>();
  const readsSince = new Map<string, number[]>();
  return ops.map((op, i) => {
    const before: number[] = [];
    const used = new Set(op.inputs.flatMap((source) => (source.type === 'variable' ? [source.name] : [])));
    for (const name of used) {
      const write = lastWrite.get(name);
      if (write !== undefined) before.push(write);
      if (isWrite(op)) {
        before.push(...(readsSince.get(name) ?? []));
        lastWrite.set(name, i);
        readsSince.set(name, []);
      } else {
        readsSince.set(name, [...(readsSince.get(name) ?? []), i]);
      }
    }
    return [...new Set(before)];
  });
}

function typeOfSource(trace: Trace, source: Source): number {
  switch (source.type) {
    case 'op':
      return trace.ops[source.op].outputs[source.output].dtype;
    case 'constant':
      return trace.constants[source.constant].dtype;
    case 'input':
      return trace.inputs.find(({ name }) => name === source.name)?.dtype ?? binding().TF_FLOAT;
    case 'variable':
      return binding().TF_RESOURCE;
    default:
      return assertNever(source);
  }
}

function typeOf(dtype: number): AttributeValue {
  return { type: 'type', value: dtype };
}

function attributeValues(op: string, attributes: readonly Attribute[]): Record<string, AttributeValue> {
  return Object.fromEntries(attributes.map((attribute) => [attribute.name, attributeValue(op, attribute)]));
}

function attributeValue(op: string, { name, type, value }: Attribute): AttributeValue {
  const native = binding();
  switch (type) {
    case native.TF_ATTR_TYPE:
      return { type: 'type', value: value as number };
    case native.TF_ATTR_SHAPE:
      return { type: 'shape', value: value as readonly number[] };
    case native.TF_ATTR_STRING:
      return { type: 'string', value: value as string };
    case native.TF_ATTR_BOOL:
      return Array.isArray(value) ? { type: 'bools', value } : { type: 'bool', value: value as boolean };
    case native.TF_ATTR_INT:
      return Array.isArray(value) ? { type: 'ints', value } : { type: 'int', value: value as number };
    case native.TF_ATTR_FLOAT:
      return Array.isArray(value) ? { type: 'floats', value } : { type: 'float', value: value as number };
    default:
      throw untraceable(`the attribute ${name} of ${op} has a type that graphs are not emitted with (${type})`);
  }
}
