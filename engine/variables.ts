/**
 * The named variables of a model and its optimizer: weights, batch-norm statistics, optimizer slots.
 * Each lives in a TensorFlow resource, so that fused updates change it in place and a step can be traced into a graph
 * as reads and writes of named variables. Does not know what a variable means: networks name them, optimizers use them.
 *
 * Invariants:
 *   V1  `get` gives one and the same tensor until the variable is written: gradients find it on the tape by identity.
 *   V2  A write drops that tensor first: the resource then is the buffer's only owner and is updated without a copy.
 *   V3  `read` and `restore` move bits: what is restored is read again byte for byte, NaN payloads included.
 */
import { LodestoneError } from '../errors';
import { attribute, runOneOutput, runOp } from './native';
import { tf } from './tf';

/** trained: by gradients; statistic: a moving average of the forward pass; slot: state of the optimizer. */
export type VariableRole = 'trained' | 'statistic' | 'slot';

export interface VariableSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: VariableRole;
}

interface Variable {
  readonly spec: VariableSpec;
  /** The native resource. */
  readonly handle: tf.Tensor;
  /** The present value, while someone has asked for it since the last write (V1). */
  value: tf.Tensor | undefined;
}

/** A life cycle: create, then get and write in steps, read and restore at checkpoints, dispose. float32 only. */
export class VariableSet {
  private readonly byName = new Map<string, Variable>();

  private constructor(readonly specs: readonly VariableSpec[]) {}

  /** @param initial the first value of a variable, in row-major order; it is copied */
  static create(specs: readonly VariableSpec[], initial: (spec: VariableSpec) => Float32Array): VariableSet {
    const set = new VariableSet(specs);
    try {
      for (const spec of specs) {
        if (set.byName.has(spec.name)) {
          throw new LodestoneError(
            'InvalidConfig',
            `variables: got the name "${spec.name}" twice, must be unique: it is the key in checkpoints. Rename one.`,
          );
        }
        const values = initial(spec);
        const complaint = misshaped(spec, values);
        if (complaint !== undefined) throw incompatible('the initial values do not fit', [complaint]);
        set.byName.set(spec.name, { spec, handle: newResource(spec), value: undefined });
        set.upload(spec, values);
      }
    } catch (error) {
      set.dispose();
      throw error;
    }
    return set;
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** The present value; the same tensor until the next write (V1). The set owns it: do not dispose it. */
  get(name: string): tf.Tensor {
    const variable = this.find(name);
    if (variable.value === undefined || variable.value.isDisposed) {
      variable.value = tf.keep(runOneOutput('ReadVariableOp', [attribute.float32('dtype')], [variable.handle]));
    }
    return variable.value;
  }

  /** Replaces the value. The tensor given stays the caller's. */
  assign(name: string, value: tf.Tensor): void {
    const { spec } = this.find(name);
    if (value.dtype !== 'float32' || !sameShape(spec.shape, value.shape)) {
      throw incompatible('a value cannot be assigned', [
        `${name}: got ${value.dtype} [${value.shape.join(', ')}], must be float32 [${spec.shape.join(', ')}]`,
      ]);
    }
    this.write([name], ([handle]) => runOp('AssignVariableOp', [attribute.float32('dtype')], [handle, value], 0));
  }

  /** Lets a native op update resources in place (V2). The values that `get` gave for these names are disposed. */
  write(names: readonly string[], update: (handles: tf.Tensor[]) => void): void {
    const written = names.map((name) => this.find(name));
    for (const variable of written) forget(variable);
    update(written.map(({ handle }) => handle));
  }

  /** Copies of all values, by name, bit for bit (V3). */
  read(): Map<string, Float32Array> {
    return new Map(this.specs.map(({ name }) => [name, this.readOne(name)]));
  }

  /** Sets all values, bit for bit (V3). Throws CheckpointIncompatible, before any write, naming what does not fit. */
  restore(values: ReadonlyMap<string, Float32Array>): void {
    for (const { spec, given } of checkValues(this.specs, values)) this.upload(spec, given);
  }

  /** Drops the tensors that `get` gave; the next `get` reads the resource anew. */
  forgetReads(): void {
    for (const variable of this.byName.values()) forget(variable);
  }

  dispose(): void {
    for (const variable of this.byName.values()) {
      forget(variable);
      runOp('DestroyResourceOp', [attribute.bool('ignore_lookup_error', true)], [variable.handle], 0);
      variable.handle.dispose();
    }
    this.byName.clear();
  }

  private find(name: string): Variable {
    const variable = this.byName.get(name);
    if (variable === undefined) {
      throw new LodestoneError(
        'InvalidConfig',
        `variables: got "${name}", must be one of the ${this.byName.size} names of this set. ` +
          'Declare it where the set is created (an optimizer needs its slots there too).',
      );
    }
    return variable;
  }

  private readOne(name: string): Float32Array {
    const { handle } = this.find(name);
    const value = runOneOutput('ReadVariableOp', [attribute.float32('dtype')], [handle]);
    try {
      return new Float32Array(value.dataSync<'float32'>()); // from a typed array: a copy of its bytes
    } finally {
      value.dispose();
    }
  }

  private upload(spec: VariableSpec, values: Float32Array): void {
    const tensor = tf.tensor(new Float32Array(values), [...spec.shape], 'float32');
    try {
      this.assign(spec.name, tensor);
    } finally {
      tensor.dispose();
    }
  }
}

/**
 * Pairs each variable with its values. Throws CheckpointIncompatible, naming all that is missing, misshaped or extra.
 */
export function checkValues(
  specs: readonly VariableSpec[],
  values: ReadonlyMap<string, Float32Array>,
): { readonly spec: VariableSpec; readonly given: Float32Array }[] {
  const complaints: string[] = [];
  const fitting: { spec: VariableSpec; given: Float32Array }[] = [];
  for (const spec of specs) {
    const given = values.get(spec.name);
    const complaint = given === undefined ? `${spec.name}: missing` : misshaped(spec, given);
    if (complaint !== undefined) complaints.push(complaint);
    if (given !== undefined) fitting.push({ spec, given });
  }
  const names = new Set(specs.map(({ name }) => name));
  for (const name of values.keys()) if (!names.has(name)) complaints.push(`${name}: not a variable of this model`);
  if (complaints.length > 0) throw incompatible('the stored values do not fit this model', complaints);
  return fitting;
}

let resourceCount = 0;

/** A resource nobody else has: the name is unique in the process, which is all that shares it. */
function newResource(spec: VariableSpec): tf.Tensor {
  const attributes = [
    attribute.float32('dtype'),
    attribute.shape('shape', spec.shape),
    attribute.string('container', ''),
    attribute.string('shared_name', `lodestone_variable_${resourceCount++}`),
  ];
  return tf.keep(runOneOutput('VarHandleOp', attributes, []));
}

function forget(variable: Variable): void {
  if (variable.value !== undefined && !variable.value.isDisposed) variable.value.dispose();
  variable.value = undefined;
}

function misshaped(spec: VariableSpec, values: Float32Array): string | undefined {
  const size = spec.shape.reduce((product, dimension) => product * dimension, 1);
  if (values.length === size) return undefined;
  return `${spec.name}: got ${values.length} values, must be ${size} for shape [${spec.shape.join(', ')}]`;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

function incompatible(what: string, complaints: readonly string[]): LodestoneError {
  const shown = complaints.slice(0, 8).join('; ');
  const more = complaints.length > 8 ? `; and ${complaints.length - 8} more` : '';
  return new LodestoneError(
    'CheckpointIncompatible',
    `variables: ${what}: ${shown}${more}. Use the network, optimizer and sizes that the values were made with.`,
  );
}
