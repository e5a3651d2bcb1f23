/**
 * Records a step while it runs eagerly: every native op with its attributes and where its inputs come from.
 * Knows the addon's handles. Does not know what ops mean, but for those that read or draw what a graph cannot.
 *
 * Invariants:
 *   R1  Native handles are never reused: an id names one value for the whole recording.
 *   R2  What JavaScript reads of a tensor would be frozen into the graph: reading what depends on batch or variables throws.
 *   R3  The step's variables hold their values of before when the recording ends, however it ends.
 *   R4  Values do not matter, only shapes: what is large is dropped as soon as its shape is known, and zeros stand in for
 *       it where an op needs it. So recording takes less memory than running.
 */
import { attribute, binding, nativeId, nativeType, runOneOutput, runOp, withBinding } from '../native';
import type { Attribute, Binding, TensorMetadata } from '../native';
import type { Step, TensorRecord } from '../step';
import { tf } from '../tf';
import type { VariableSet } from '../variables';
import { untraceable, type Constant, type RecordedOp, type Source, type Trace } from './trace';

/** A constant with more different elements than this is a batch or a mask captured by mistake. */
const MAX_CONSTANT_ELEMENTS = 65_536;

/** R4: an activation is larger, what a step computes of its loss is not. */
const STAND_IN_ELEMENTS = 4096;

/** Native ops that hold state outside variables: a resumed run could not repeat them. */
const HIDDEN_STATE = /^(Random|Multinomial|StatefulRandom|TruncatedNormal|ParameterizedTruncatedNormal|VarHandleOp)/;

/** Runs `step` once on `batch` and gives its trace. Outputs are disposed, variables restored (R3). */
export function recordStep(step: Step, variables: VariableSet, batch: TensorRecord): Trace {
  return withRollback(variables, () => {
    tf.engine().startScope(); // a tidy whose result is no tensor
    try {
      return traceOf(new Recorder(binding()), step, variables, batch);
    } finally {
      tf.engine().endScope();
    }
  });
}

function traceOf(recorder: Recorder, step: Step, variables: VariableSet, batch: TensorRecord): Trace {
  const names = variables.specs.map(({ name }) => name);
  variables.write(names, (handles) =>
    handles.forEach((handle, i) => recorder.declare(handle, { type: 'variable', name: names[i] })),
  );
  const aliases: TensorRecord = {};
  for (const [name, tensor] of Object.entries(batch)) {
    aliases[name] = alias(tensor); // a handle of its own: two inputs, or an input and a constant, may share one
    recorder.declare(aliases[name], { type: 'input', name });
  }
  const outputs = recorder.record(() => step(variables, aliases));
  return {
    ops: recorder.ops,
    constants: recorder.constants,
    inputs: Object.entries(batch).map(([name, tensor]) => ({
      name,
      shape: [...tensor.shape],
      dtype: nativeType(tensor),
    })),
    outputs,
  };
}

class Recorder {
  readonly ops: RecordedOp[] = [];
  readonly constants: Constant[] = [];
  private readonly sources = new Map<number, Source>(); // R1
  /** Uploads of the step that no op has used yet. */
  private readonly uploads = new Map<number, Constant>();
  private readonly dependsOnBatch = new Set<number>();
  private readsAllowed = false;
  /** Shapes of what was dropped (R4), by handles that the addon never gives. */
  private readonly dropped = new Map<number, TensorMetadata>();
  private lastDropped = 0;

  constructor(private readonly native: Binding) {}

  declare(tensor: tf.Tensor, source: Source): void {
    const id = nativeId(tensor);
    this.sources.set(id, source);
    this.dependsOnBatch.add(id);
  }

  /** Runs the step and says where its outputs come from; none of its tensors is left. */
  record(run: () => TensorRecord): Trace['outputs'] {
    const overrides: Partial<Binding> = {
      executeOp: (op, attributes, ids, outputs) => this.execute(op, attributes, ids, outputs),
      createTensor: (shape, dtype, values) => {
        const id = this.native.createTensor(shape, dtype, values);
        this.uploads.set(id, constantOf(shape, dtype, values));
        return id;
      },
      tensorDataSync: (id) => {
        if (!this.readsAllowed && this.dependsOnBatch.has(id)) {
          throw untraceable(
            `the step reads a tensor's data in JavaScript (dataSync, arraySync), made by ${this.nameOf(id)}`,
          );
        }
        return this.native.tensorDataSync(id);
      },
      deleteTensor: (id) => {
        if (!this.dropped.delete(id)) this.native.deleteTensor(id);
      },
    };
    return withBinding(overrides, () =>
      this.allowingBoundsChecks(() => {
        tf.engine().startScope(); // ends while handles of what was dropped are still understood
        try {
          return Object.entries(run()).map(([name, tensor]) => ({ name, source: this.sourceOf(nativeId(tensor)) }));
        } finally {
          tf.engine().endScope();
        }
      }),
    );
  }

  sourceOf(id: number): Source {
    const known = this.sources.get(id);
    if (known !== undefined) return known;
    const source = this.constant(this.uploads.get(id) ?? this.capture(id));
    this.sources.set(id, source);
    return source;
  }

  private execute(
    op: string,
    attributes: readonly Attribute[],
    ids: readonly number[],
    outputs: number,
  ): TensorMetadata[] {
    if (HIDDEN_STATE.test(op)) throw untraceable(`the step runs ${op}, whose state is in no variable`);
    const inputs = ids.map((id) => this.sourceOf(id));
    const dependent = ids.some((id) => this.dependsOnBatch.has(id));
    const results = this.run(op, attributes, ids, outputs).map((result) =>
      // the value of a variable outlives the recording, and takes no memory of its own
      dependent && op !== 'ReadVariableOp' ? this.droppedIfLarge(result) : result,
    );
    results.forEach(({ id }, output) => {
      this.sources.set(id, { type: 'op', op: this.ops.length, output });
      if (dependent) this.dependsOnBatch.add(id);
    });
    this.ops.push({
      op,
      attributes: attributes.map((one) => ({ ...one })),
      inputs,
      outputs: results.map(({ shape, dtype }) => ({ shape: [...shape], dtype })),
    });
    return results;
  }

  /** Executes the op with zeros in place of what was dropped. */
  private run(op: string, attributes: readonly Attribute[], ids: readonly number[], outputs: number): TensorMetadata[] {
    const standIns: number[] = [];
    const present = ids.map((id) => {
      const missing = this.dropped.get(id);
      if (missing === undefined) return id;
      standIns.push(this.zeros(missing));
      return standIns[standIns.length - 1];
    });
    try {
      return this.native.executeOp(op, attributes, present, outputs);
    } finally {
      for (const id of standIns) this.native.deleteTensor(id);
    }
  }

  private droppedIfLarge(result: TensorMetadata): TensorMetadata {
    if (result.dtype !== this.native.TF_FLOAT || sizeOf(result.shape) <= STAND_IN_ELEMENTS) return result;
    this.native.deleteTensor(result.id);
    const standIn = { ...result, id: --this.lastDropped };
    this.dropped.set(standIn.id, standIn);
    return standIn;
  }

  private zeros({ shape, dtype }: TensorMetadata): number {
    const dimensions = this.native.createTensor([shape.length], this.native.TF_INT32, Int32Array.from(shape));
    const zero = this.native.createTensor([], dtype, new Float32Array(1));
    const attributes = [attribute.type('T', dtype), attribute.type('index_type', this.native.TF_INT32)];
    const [{ id }] = this.native.executeOp('Fill', attributes, [dimensions, zero], 1);
    for (const used of [dimensions, zero]) this.native.deleteTensor(used);
    return id;
  }

  /** A tensor from before the recording, not declared as input or variable: its value is frozen into the graph. */
  private capture(id: number): Constant {
    const [copy] = this.native.executeOp('Identity', [], [id], 1); // the binding tells shapes of results alone
    try {
      if (copy.dtype === this.native.TF_RESOURCE) throw untraceable('the step uses a variable of another set');
      return constantOf(copy.shape, copy.dtype, this.native.tensorDataSync(id));
    } finally {
      this.native.deleteTensor(copy.id);
    }
  }

  private constant(value: Constant): Source {
    const elements = sizeOf(value.shape);
    if (!value.uniform && elements > MAX_CONSTANT_ELEMENTS) {
      throw untraceable(
        `the step uses a constant of shape [${value.shape.join(', ')}], must be at most ${MAX_CONSTANT_ELEMENTS} elements; ` +
          'pass it in the batch',
      );
    }
    this.constants.push(value);
    return { type: 'constant', constant: this.constants.length - 1 };
  }

  /** tfjs' GatherV2 reads its indices only to check their range, which the graph's kernel does itself. */
  private allowingBoundsChecks<T>(run: () => T): T {
    const kernel = tf.getKernel('GatherV2', 'tensorflow') as { kernelFunc: tf.KernelFunc } | undefined;
    if (kernel === undefined) return run();
    const original = kernel.kernelFunc;
    kernel.kernelFunc = (parameters) => {
      this.readsAllowed = true;
      try {
        return original(parameters);
      } finally {
        this.readsAllowed = false;
      }
    };
    try {
      return run();
    } finally {
      kernel.kernelFunc = original;
    }
  }

  private nameOf(id: number): string {
    const source = this.sources.get(id);
    if (source === undefined) return 'an unknown op';
    return source.type === 'op'
      ? this.ops[source.op].op
      : source.type === 'constant'
        ? 'a constant'
        : `"${source.name}"`;
  }
}

/** R3: values are held as native handles, not as copies in JavaScript, and assigned back. */
function withRollback<T>(variables: VariableSet, run: () => T): T {
  const before = new Map(variables.specs.map(({ name }) => [name, variables.get(name).clone()]));
  for (const tensor of before.values()) tf.keep(tensor);
  try {
    return run();
  } finally {
    for (const [name, tensor] of before) {
      variables.write([name], ([handle]) =>
        runOp('AssignVariableOp', [attribute.float32('dtype')], [handle, tensor], 0),
      );
      tensor.dispose();
    }
  }
}

/** The same buffer under a native handle of its own. */
function alias(tensor: tf.Tensor): tf.Tensor {
  nativeId(tensor); // uploads, so that its native type is known
  return runOneOutput('Identity', [attribute.type('T', nativeType(tensor))], [tensor]);
}

function constantOf(shape: readonly number[], dtype: number, values: ArrayBufferView): Constant {
  if (!ArrayBuffer.isView(values)) throw untraceable('the step makes a tensor of strings');
  const bytes = new Uint8Array(values.byteLength);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const elements = sizeOf(shape);
  const width = bytes.length / Math.max(1, elements);
  // Each element equals the one before it: tf.ones, tf.zeros and tf.fill make full arrays in JavaScript.
  const uniform = elements > 16 && Buffer.compare(bytes.subarray(width), bytes.subarray(0, bytes.length - width)) === 0;
  return { shape: [...shape], dtype, bytes: uniform ? bytes.slice(0, width) : bytes, uniform };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
