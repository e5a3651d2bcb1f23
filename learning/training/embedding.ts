/**
 * Embeddings of many examples by the present weights, in batches of one shape. Knows views and forward passes; does not
 * know what is trained.
 */
import { cropResize, type Normalise } from '../../engine/augment';
import { tf } from '../../engine/tf';
import type { VariableSet } from '../../engine/variables';
import type { BatchSource } from '../batch-source';
import { denseLayer } from '../networks/layers';
import type { Network } from '../networks/network';
import { normaliseRows } from '../objectives/triplet';
import { centreViews, seededViews } from './views';

const BATCH = 64;
/** Embeddings whose logits are computed at once. */
const ROWS = 4096;

export interface Embedder {
  readonly network: Network;
  readonly variables: VariableSet;
  readonly source: BatchSource;
  readonly input: Normalise;
  readonly inputSize: number;
  readonly embeddingSize: number;
  readonly views: 1 | 16;
  readonly seed: number;
  /** L2-normalise each embedding, after the mean over views. */
  readonly normalise: boolean;
}

/**
 * @param onBatch awaited after each batch with the number of examples done
 * @returns float32 [examples.length, E]
 */
export async function embedExamples(
  embedder: Embedder,
  examples: readonly number[],
  onBatch: (done: number) => Promise<void>,
): Promise<Float32Array> {
  const { embeddingSize, source } = embedder;
  const all = new Float32Array(examples.length * embeddingSize);
  for (let start = 0; start < examples.length; start += BATCH) {
    const count = Math.min(BATCH, examples.length - start);
    const padded = Array.from({ length: BATCH }, (_, i) => examples[start + Math.min(i, count - 1)]);
    const rows = embedBatch(embedder, padded, await source.read(padded));
    all.set(rows.subarray(0, count * embeddingSize), start * embeddingSize);
    await onBatch(start + count);
  }
  return all;
}

/** x · w + b of embeddings [n, E]: [n, classes]. */
export function logitsOf(
  variables: VariableSet,
  head: string,
  embeddings: Float32Array,
  embeddingSize: number,
): Float32Array {
  const parts: Float32Array[] = [];
  for (let start = 0; start < embeddings.length; start += ROWS * embeddingSize) {
    const rows = embeddings.slice(start, start + ROWS * embeddingSize);
    parts.push(
      dataOf(() => denseLayer(variables, head, tf.tensor2d(rows, [rows.length / embeddingSize, embeddingSize]))),
    );
  }
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function embedBatch(embedder: Embedder, examples: readonly number[], pixels: Uint8Array): Float32Array {
  const { network, variables, source, input, inputSize, views, seed, normalise } = embedder;
  const { edge, channels } = source;
  const geometry = { edge, inputSize };
  const embedView = (boxes: Float32Array): tf.Tensor2D =>
    tf.tidy(() => {
      const x = cropResize(pixels, [examples.length, edge, edge, channels], boxes, inputSize, input);
      return network.forward(variables, x, 'inference');
    });
  return dataOf(() => {
    const embeddings =
      views === 1
        ? embedView(centreViews(examples.length, geometry))
        : tf
            .addN(Array.from({ length: views }, (_, view) => embedView(seededViews(examples, geometry, seed, view))))
            .div<tf.Tensor2D>(views);
    return normalise ? normaliseRows(embeddings) : embeddings;
  });
}

/** The values of what is computed; all tensors are tidied. */
function dataOf(compute: () => tf.Tensor): Float32Array {
  return tf.tidy(() => new Float32Array(compute().dataSync<'float32'>()));
}
