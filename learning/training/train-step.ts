/**
 * The training step as one pure function of variables and batch: crop and normalise, forward, the objective's loss,
 * gradients, update. Reads no tensor and draws nothing, so that it can be compiled (engine/step.ts).
 */
import type { Objective } from '../../config/objective';
import type { OptimizerOptions } from '../../config/recipe';
import { cropResizeTensors, type Normalise } from '../../engine/augment';
import { gradients } from '../../engine/gradients';
import { uploadBytes } from '../../engine/native';
import { applyGradients } from '../../engine/ops/optimizers';
import type { Step, TensorRecord } from '../../engine/step';
import { tf } from '../../engine/tf';
import type { VariableSet } from '../../engine/variables';
import { assertNever } from '../../errors';
import { denseLayer } from '../networks/layers';
import type { Network } from '../networks/network';
import { magnetLoss } from '../objectives/magnet';
import { misclassified, softmaxLoss } from '../objectives/softmax';
import { normaliseRows, tripletLoss } from '../objectives/triplet';
import { settingsOf } from '../optimizer';

/** Name of the softmax head's variables: `head/w`, `head/b`. */
export const HEAD = 'head';

export interface StepParts {
  readonly network: Network;
  readonly inputSize: number;
  readonly input: Normalise;
  readonly objective: Objective;
  readonly optimizer: OptimizerOptions;
}

export interface StepBatch {
  /** uint8 [n, edge, edge, channels] */
  readonly pixels: Uint8Array;
  readonly edge: number;
  readonly channels: number;
  /** float32 [n, 4] */
  readonly boxes: Float32Array;
  /** int32: of each example for softmax, of each cluster for Magnet, unused by triplet. */
  readonly classes: Int32Array;
  readonly learningRate: number;
  /** The number of this update, from 1. */
  readonly update: number;
}

/** A batch as the step's input; the caller disposes it, and leaves pixels and boxes alone until the step is done. */
export function upload({ pixels, edge, channels, boxes, classes, learningRate, update }: StepBatch): TensorRecord {
  const count = boxes.length / 4;
  return {
    images: uploadBytes(pixels, [count, edge, edge, channels]),
    boxes: tf.tensor2d(boxes, [count, 4]),
    classes: tf.tensor1d(classes, 'int32'),
    learningRate: tf.scalar(learningRate),
    update: tf.scalar(update),
  };
}

/** Outputs: `losses` (one per example, triplet or the like), for softmax `wrong` (0 or 1 each), for Magnet `variance`. */
export function trainStep({ inputSize, input, ...parts }: StepParts): Step {
  const step = trainStepOnInputs(parts);
  return (variables, { images, boxes, ...rest }) =>
    step(variables, { ...rest, x: cropResizeTensors(images, boxes as tf.Tensor2D, inputSize, input) });
}

/** The same from what the network takes, `x` [n, S, S, channels], in place of `images` and `boxes`. */
export function trainStepOnInputs({
  network,
  objective,
  optimizer,
}: Pick<StepParts, 'network' | 'objective' | 'optimizer'>): Step {
  return (variables, { x, classes, learningRate, update }) => {
    const { gradients: byName, outputs } = gradients(variables, () => {
      const embeddings = network.forward(variables, x as tf.Tensor4D, 'training');
      const measured = measure(objective, variables, embeddings, classes as tf.Tensor1D);
      return { loss: measured.losses.mean<tf.Scalar>(), outputs: measured };
    });
    applyGradients(variables, byName, settingsOf(optimizer, learningRate as tf.Scalar, update as tf.Scalar));
    return outputs;
  };
}

function measure(
  objective: Objective,
  variables: VariableSet,
  embeddings: tf.Tensor2D,
  classes: tf.Tensor1D,
): TensorRecord & { losses: tf.Tensor1D } {
  switch (objective.type) {
    case 'softmax': {
      const logits = denseLayer(variables, HEAD, embeddings);
      return { losses: softmaxLoss(logits, classes), wrong: misclassified(logits, classes) };
    }
    case 'triplet':
      return { losses: tripletLoss(objective.normalise ? normaliseRows(embeddings) : embeddings, objective.alpha) };
    case 'magnet':
      return { ...magnetLoss(embeddings, classes, objective) };
    default:
      return assertNever(objective);
  }
}
