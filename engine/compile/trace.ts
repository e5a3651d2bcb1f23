/**
 * What one run of a step consists of: the native ops in program order, the constants they used, and where the outputs
 * come from. A plain value; `recorder.ts` makes it, `emit.ts` turns it into a graph.
 */
import { LodestoneError } from '../../errors';
import type { Attribute } from '../native';

/** Where an op's input comes from. */
export type Source =
  | { readonly type: 'op'; readonly op: number; readonly output: number }
  | { readonly type: 'constant'; readonly constant: number }
  | { readonly type: 'input'; readonly name: string }
  /** The resource of a variable, not its value: values are outputs of ReadVariableOp. */
  | { readonly type: 'variable'; readonly name: string };

export interface TensorKind {
  readonly shape: readonly number[];
  /** TF_DataType */
  readonly dtype: number;
}

export interface RecordedOp {
  readonly op: string;
  readonly attributes: readonly Attribute[];
  readonly inputs: readonly Source[];
  readonly outputs: readonly TensorKind[];
}

export interface Constant extends TensorKind {
  /** Row-major little-endian bytes; of one element where all are equal. */
  readonly bytes: Uint8Array;
  readonly uniform: boolean;
}

export interface Trace {
  readonly ops: readonly RecordedOp[];
  readonly constants: readonly Constant[];
  readonly inputs: readonly (TensorKind & { readonly name: string })[];
  readonly outputs: readonly { readonly name: string; readonly source: Source }[];
}

/** A step that cannot be compiled: the message names the op or tensor; the way out is always the same. */
export function untraceable(what: string): LodestoneError {
  return new LodestoneError(
    'InvalidConfig',
    `compile: ${what}. Make the step a pure function of variables and batch, or run it eagerly.`,
  );
}

/** The first difference of two traces of one step, or undefined: a pure step gives the same trace again. */
export function traceDifference(a: Trace, b: Trace): string | undefined {
  if (a.ops.length !== b.ops.length) return `${a.ops.length} ops, then ${b.ops.length}`;
  const differing = a.ops.findIndex((op, i) => JSON.stringify(op) !== JSON.stringify(b.ops[i]));
  if (differing >= 0) return `op ${differing}: ${a.ops[differing].op}, then ${b.ops[differing].op} or other attributes`;
  const constant = a.constants.findIndex((value, i) => !sameConstant(value, b.constants[i]));
  if (constant >= 0) return `a constant of shape [${a.constants[constant].shape.join(', ')}] has another value`;
  return JSON.stringify(a.outputs) === JSON.stringify(b.outputs) ? undefined : 'other outputs';
}

function sameConstant(a: Constant, b: Constant | undefined): boolean {
  return b?.uniform === a.uniform && Buffer.compare(a.bytes, b.bytes) === 0;
}
