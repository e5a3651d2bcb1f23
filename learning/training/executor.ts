/**
 * Runs a training step on variables, op by op or as a compiled program, and moves the variables in and out bit for bit.
 *
 * Invariants:
 *   X1  One holder has the truth: the variable set, or the program that ran last. Whoever is asked next gets it first.
 *   X2  A program is compiled for one shape of batch; another shape gets another program, and in float32 both give the
 *       eager bits.
 */
import type { StepPart } from '../../config/speed';
import { Program } from '../../engine/compile/program';
import type { Precision } from '../../engine/compile/bf16';
import { runEagerStep, type Step, type TensorRecord } from '../../engine/step';
import { tf } from '../../engine/tf';
import type { VariableSet } from '../../engine/variables';
import { LodestoneError } from '../../errors';
import { upload, type StepBatch } from './train-step';

/** What a step says about its batch. */
export interface StepMeasures {
  /** Of each example, or of each triplet. */
  readonly losses: Float32Array;
  /** 1 for each that the objective calls wrong: misclassified, or with a loss above 0. */
  readonly wrong: Float32Array;
  /** σ̂², where the objective has it. */
  readonly variance: number | null;
}

/** How steps and forward passes run. */
export interface Execution {
  /** As one graph each, or op by op. */
  readonly compile: boolean;
  readonly precision: Precision;
}

/** A life cycle: owns the set that it is given. Throws InvalidConfig for bf16 op by op: it is a way to compile. */
export class StepExecutor {
  private readonly programs = new Map<string, Program>();
  private holder: VariableSet | Program;

  constructor(
    private readonly variables: VariableSet,
    private readonly step: Step,
    private readonly execution: Execution,
  ) {
    requireCompiledBf16(execution);
    this.holder = variables;
  }

  /** One step. @param enter told of each part as it begins */
  run(batch: StepBatch, enter: (part: StepPart) => void = () => undefined): StepMeasures {
    enter('upload');
    const inputs = upload(batch);
    const outputs = this.execution.compile ? this.runCompiled(inputs, enter) : this.runEager(inputs, enter);
    enter('record');
    const losses = numbersOf(outputs, 'losses') ?? new Float32Array(0);
    const wrong = numbersOf(outputs, 'wrong') ?? losses.map((loss) => (loss > 0 ? 1 : 0));
    const variance = numbersOf(outputs, 'variance')?.[0] ?? null;
    tf.dispose([inputs, outputs]);
    return { losses, wrong, variance };
  }

  /** The present values to compute with; valid until the next step. They are the executor's. */
  present(): VariableSet {
    if (this.holder !== this.variables) this.variables.restore(this.holder.read());
    return this.variables;
  }

  read(): Map<string, Float32Array> {
    return this.holder.read();
  }

  /** Throws CheckpointIncompatible, before any write, naming what does not fit. */
  restore(values: ReadonlyMap<string, Float32Array>): void {
    this.variables.restore(values);
    this.holder = this.variables;
  }

  dispose(): void {
    for (const program of this.programs.values()) program.dispose();
    this.variables.dispose();
  }

  private runEager(batch: TensorRecord, enter: (part: StepPart) => void): TensorRecord {
    enter('step');
    return runEagerStep(this.step, this.variables, batch);
  }

  private runCompiled(batch: TensorRecord, enter: (part: StepPart) => void): TensorRecord {
    const shape = shapeOf(batch);
    const known = this.programs.get(shape);
    if (known === undefined) enter('compile');
    const program = known ?? this.compile(batch);
    this.programs.set(shape, program);
    if (this.holder !== program) program.restore(this.holder.read());
    this.holder = program;
    enter(known === undefined ? 'warm-up' : 'step');
    return program.run('train', batch);
  }

  private compile(batch: TensorRecord): Program {
    const steps = { train: { step: this.step, example: batch } };
    return Program.compile(this.variables, steps, this.execution.precision);
  }
}

function requireCompiledBf16({ compile, precision }: Execution): void {
  if (compile || precision === 'float32') return;
  throw new LodestoneError(
    'InvalidConfig',
    'engine.precision: got bf16 with engine.compile false, must be float32 there: bf16 is chosen when a step is compiled. ' +
      'Set engine.compile to true or engine.precision to float32.',
  );
}

/** X2 */
function shapeOf(batch: TensorRecord): string {
  return Object.entries(batch)
    .map(([name, tensor]) => `${name} ${tensor.shape.join('x')}`)
    .join(', ');
}

function numbersOf(outputs: TensorRecord, name: string): Float32Array | null {
  return name in outputs ? outputs[name].dataSync<'float32'>() : null;
}
