/**
 * Compiled steps: each is traced once, all become one TensorFlow graph, and a step is then one native call. The variables
 * live in the program's session; its `read` and `restore` are those of a VariableSet, bit for bit.
 * Knows sessions; does not know what is trained. Eager execution (step.ts) stays the reference that tests compare with:
 * with fused kernels a training step gives the same bits; batch norm in inference is rewritten by TensorFlow's graph
 * optimizer and equal to rounding.
 *
 * Invariants:
 *   C1  Shapes are static: `run` refuses a batch of other shapes or types than the step was traced with.
 *   C2  All steps of a program share its variables; the set they were traced on keeps its own values.
 *   C3  A run that fails midway may have written some variables: the program refuses to go on until `restore`.
 *   C4  No variable holds memory of JavaScript, which is what the addon feeds: a later step would give it back on one of
 *       TensorFlow's threads, two of them at once, and the addon's references are the main thread's alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LodestoneError } from '../../errors';
import { kernelsInUse } from '../kernels';
import { binding, nativeId, nativeType, tensorOf } from '../native';
import type { Step, TensorRecord } from '../step';
import { tf } from '../tf';
import { checkValues, type VariableSet, type VariableSpec } from '../variables';
import { requireBf16, type Precision } from './bf16';
import { emitStep, nodeNames } from './emit';
import { feedNode, feedOf } from './feeds';
import { GraphBuilder } from './graph';
import { recordStep } from './recorder';
import { traceDifference, untraceable, type TensorKind } from './trace';

export interface StepToCompile {
  readonly step: Step;
  /** A batch of the shapes and types to compile for. Its numbers do not matter: trace on a dummy one (B1). */
  readonly example: TensorRecord;
}

interface CompiledStep {
  readonly inputs: readonly (TensorKind & { readonly name: string })[];
  readonly outputs: readonly string[];
}

export interface ProgramSize {
  readonly nodes: number;
  readonly graphBytes: number;
}

export class Program {
  private broken = false;

  private constructor(
    readonly specs: readonly VariableSpec[],
    readonly size: ProgramSize,
    private readonly session: number,
    private readonly steps: ReadonlyMap<string, CompiledStep>,
  ) {}

  /**
   * Traces every step (twice, to prove it pure), loads the graph and gives it the present values of the set.
   * The set is left as it was. Throws InvalidConfig naming the op that cannot be compiled, or where bf16 is asked of a
   * device that has none.
   */
  static compile(
    variables: VariableSet,
    steps: Readonly<Record<string, StepToCompile>>,
    precision: Precision = 'float32',
  ): Program {
    if (precision === 'bf16') requireBf16();
    kernelsInUse(); // a choice made during the first trace would be recorded with its proofs
    const graph = new GraphBuilder();
    emitVariables(graph, variables.specs);
    const compiled = new Map<string, CompiledStep>();
    for (const [name, { step, example }] of Object.entries(steps)) {
      const trace = recordStep(step, variables, example);
      const difference = traceDifference(trace, recordStep(step, variables, example));
      if (difference !== undefined) {
        throw untraceable(`two runs of the step "${name}" differ (${difference}): it draws or counts in JavaScript`);
      }
      emitStep(graph, name, trace, precision);
      compiled.set(name, { inputs: trace.inputs, outputs: trace.outputs.map((output) => output.name) });
    }
    const bytes = graph.bytes();
    const size = { nodes: graph.size, graphBytes: bytes.length };
    const program = new Program(variables.specs, size, load(bytes), compiled);
    program.restore(variables.read());
    return program;
  }

  /** One step as one native call. The caller disposes the outputs; the batch stays the caller's. */
  run(name: string, batch: TensorRecord): TensorRecord {
    const step = this.steps.get(name);
    if (step === undefined)
      throw untraceable(`got the step "${name}", must be one of ${[...this.steps.keys()].join(', ')}`);
    if (this.broken) {
      throw new LodestoneError(
        'CheckpointIncompatible',
        'compile: a step failed midway, so the variables may be half updated. Restore the last checkpoint first.',
      );
    }
    const feeds = step.inputs.map((input) => feedOf(input, matching(input, batch[input.name])));
    this.broken = true; // C3: until the call has come back
    const outputs = this.call(
      step.inputs.map((input) => feedNode(nodeNames.input(name, input.name), input)),
      feeds.map(({ id }) => id),
      step.outputs.map((output) => nodeNames.output(name, output)),
    );
    this.broken = false;
    for (const { id, isOwn } of feeds) if (isOwn) binding().deleteTensor(id);
    return Object.fromEntries(step.outputs.map((output, i) => [output, outputs[i]]));
  }

  /** Copies of all values, by name, bit for bit. */
  read(): Map<string, Float32Array> {
    const tensors = this.call(
      [],
      [],
      this.specs.map(({ name }) => getNode(name)),
    );
    const values = new Map(
      this.specs.map(({ name }, i) => [name, new Float32Array(tensors[i].dataSync<'float32'>())] as const),
    );
    tf.dispose(tensors);
    return values;
  }

  /** Sets all values, bit for bit. Throws CheckpointIncompatible, before any write, naming what does not fit. */
  restore(values: ReadonlyMap<string, Float32Array>): void {
    const fitting = checkValues(this.specs, values);
    tf.tidy(() => {
      const tensors = fitting.map(({ spec, given }) => tf.tensor(new Float32Array(given), [...spec.shape], 'float32'));
      this.call(
        this.specs.map(({ name }) => setNode(name)),
        tensors.map(nativeId),
        [SET_DONE],
      );
    });
    this.broken = false;
  }

  dispose(): void {
    binding().deleteSavedModel(this.session);
  }

  private call(inputs: readonly string[], ids: readonly number[], outputs: readonly string[]): tf.Tensor[] {
    const endpoints = (names: readonly string[]): string => names.map((name) => `${name}:0`).join(',');
    return binding().runSavedModel(this.session, ids, endpoints(inputs), endpoints(outputs)).map(tensorOf);
  }
}

const SET_DONE = 'set_done';
const setNode = (name: string): string => `set/${name}/value`;
const copyNode = (name: string): string => `set/${name}/copy`;
const getNode = (name: string): string => `get/${name}`;

/** Resources, and what reads and writes them all in one call. */
function emitVariables(graph: GraphBuilder, specs: readonly VariableSpec[]): void {
  const float = { type: 'type', value: binding().TF_FLOAT } as const;
  for (const { name, shape: dimensions } of specs) {
    const shape = { type: 'shape', value: dimensions } as const;
    const [container, sharedName] = [
      { type: 'string', value: '' },
      { type: 'string', value: name },
    ] as const;
    const handle = nodeNames.variable(name);
    graph.add(handle, 'VarHandleOp', [], { dtype: float, shape, container, shared_name: sharedName });
    graph.add(setNode(name), 'Placeholder', [], { dtype: float, shape });
    graph.add(copyNode(name), 'DeepCopy', [setNode(name)], { T: float }); // C4
    graph.add(`set/${name}`, 'AssignVariableOp', [handle, copyNode(name)], { dtype: float });
    graph.add(getNode(name), 'ReadVariableOp', [handle], { dtype: float });
  }
  const int32 = binding().TF_INT32;
  const zero = graph.constant({ shape: [], dtype: int32, bytes: new Uint8Array(4), uniform: false });
  const assigned = specs.map(({ name }) => `^set/${name}`);
  graph.add(SET_DONE, 'Identity', [zero, ...assigned], { T: { type: 'type', value: int32 } });
}

/** TensorFlow loads from a folder only; it has read all of it when the call returns. */
function load(bytes: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'lodestone-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), bytes);
    return binding().loadSavedModel(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** C1 */
function matching(
  { name, shape, dtype }: TensorKind & { readonly name: string },
  given: tf.Tensor | undefined,
): tf.Tensor {
  if (given === undefined) throw untraceable(`the batch has no "${name}"`);
  if (given.shape.join() !== shape.join() || nativeType(given) !== dtype) {
    throw untraceable(
      `the batch's "${name}" is ${given.dtype} [${given.shape.join(', ')}], was compiled for [${shape.join(', ')}] ` +
        `of TensorFlow type ${dtype}; compile that shape too, or pad the batch`,
    );
  }
  return given;
}
