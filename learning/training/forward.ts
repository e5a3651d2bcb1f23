/**
 * The forward pass of a batch of one shape by given weights: op by op, or compiled with batch norm folded into the
 * convolutions. Knows networks and programs; does not know examples, views or what embeddings are for.
 *
 * Invariants:
 *   F1  A program depends on network, shapes and normalisation alone; weights are pushed into it. So a program that has
 *       seen other weights gives the bits of a fresh one (DURABILITY B3).
 *   F2  Weights are folded once a pass, in float64; the batches of a pass see the same ones.
 */
import { cropResizeTensors, type Normalise } from '../../engine/augment';
import type { Precision } from '../../engine/compile/bf16';
import { Program } from '../../engine/compile/program';
import { inHalves } from '../../engine/halves';
import { uploadBytes } from '../../engine/native';
import type { Step, TensorRecord } from '../../engine/step';
import { tf } from '../../engine/tf';
import { VariableSet } from '../../engine/variables';
import { fold, foldedSpecs } from '../networks/fold';
import { sizeOf, type Mode } from '../networks/layers';
import type { Network } from '../networks/network';
import type { Execution } from './executor';

/** Who holds the present weights: read for a compiled pass, or given as variables for one op by op. */
export interface WeightHolder {
  read(): Map<string, Float32Array>;
  present(): VariableSet;
}

export interface ForwardShape {
  readonly batch: number;
  readonly edge: number;
  readonly channels: number;
  readonly inputSize: number;
  readonly input: Normalise;
}

/** Images [batch, edge, edge, channels] as `uploadBytes` gives them, boxes [batch, 4]; embeddings [batch, E]. */
export type Forward = (images: tf.Tensor, boxes: tf.Tensor2D) => tf.Tensor2D;

/** A life cycle: keeps the programs it compiled, one for each shape. */
export class ForwardPass {
  private readonly programs = new Map<string, Program>();

  constructor(
    private readonly network: Network,
    private readonly execution: Execution,
  ) {}

  /** The pass by the weights held now. The caller disposes what it returns; valid until the holder's next step. */
  by(weights: WeightHolder, shape: ForwardShape): Forward {
    if (!this.execution.compile) {
      const variables = weights.present();
      const step = forwardStep(this.network, shape, 'inference');
      return (images, boxes) => tf.tidy(() => step(variables, { images, boxes }).embeddings) as tf.Tensor2D;
    }
    const program = this.programFor(shape);
    program.restore(fold(this.network.specs, weights.read())); // F2
    return (images, boxes) => program.run('embed', { images, boxes }).embeddings as tf.Tensor2D;
  }

  dispose(): void {
    for (const program of this.programs.values()) program.dispose();
    this.programs.clear();
  }

  private programFor(shape: ForwardShape): Program {
    const key = JSON.stringify(shape);
    const known = this.programs.get(key);
    if (known !== undefined) return known;
    const program = compileForward(this.network, shape, this.execution.precision);
    this.programs.set(key, program);
    return program;
  }
}

/** The folded pass as a program with the one step `embed`; its weights are all 0 until the first `restore`. */
export function compileForward(network: Network, shape: ForwardShape, precision: Precision): Program {
  const variables = VariableSet.create(foldedSpecs(network.specs), (spec) => new Float32Array(sizeOf(spec.shape)));
  const example = dummyBatch(shape); // B1
  try {
    const step = inHalves(forwardStep(network, shape, 'folded'));
    return Program.compile(variables, { embed: { step, example } }, precision);
  } finally {
    tf.dispose(example);
    variables.dispose();
  }
}

function forwardStep(network: Network, { inputSize, input }: ForwardShape, mode: Exclude<Mode, 'training'>): Step {
  return (variables, { images, boxes }) => {
    const x = cropResizeTensors(images, boxes as tf.Tensor2D, inputSize, input);
    return { embeddings: network.forward(variables, x, mode) };
  };
}

function dummyBatch({ batch, edge, channels }: ForwardShape): TensorRecord {
  const shape = [batch, edge, edge, channels];
  return { images: uploadBytes(new Uint8Array(sizeOf(shape)), shape), boxes: tf.zeros([batch, 4]) };
}
