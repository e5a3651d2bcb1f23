/**
 * Embeddings of many examples by the present weights, in batches of one shape. Knows views and what is averaged; does not
 * know how a batch goes through the network (forward.ts) nor what is trained.
 */
import type { Normalise } from '../../engine/augment';
import { uploadBytes } from '../../engine/native';
import { dataOf, tf } from '../../engine/tf';
import type { VariableSet } from '../../engine/variables';
import type { BatchSource } from '../batch-source';
import { denseLayer } from '../networks/layers';
import { normaliseRows } from '../objectives/triplet';
import type { Forward, ForwardPass, WeightHolder } from './forward';
import { centreViews, seededViews } from './views';

const BATCH = 64;
/** Embeddings whose logits are computed at once. */
const ROWS = 4096;

export interface Embedder {
  readonly pass: ForwardPass;
  readonly weights: WeightHolder;
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
 * The next batch is read while one is computed.
 * @param onBatch awaited after each batch with the number of examples done
 * @returns float32 [examples.length, E]
 */
export async function embedExamples(
  embedder: Embedder,
  examples: readonly number[],
  onBatch: (done: number) => Promise<void>,
): Promise<Float32Array> {
  const { embeddingSize, source, input, inputSize } = embedder;
  const all = new Float32Array(examples.length * embeddingSize);
  if (examples.length === 0) return all;

  const { edge, channels } = source;
  const forward = embedder.pass.by(embedder.weights, { batch: BATCH, edge, channels, inputSize, input });
  let next = startReading(source, examples, 0);
  for (let start = 0; start < examples.length; start += BATCH) {
    const { padded, pixels } = next;
    const bytes = await pixels;
    if (start + BATCH < examples.length) next = startReading(source, examples, start + BATCH);
    const count = Math.min(BATCH, examples.length - start);
    const rows = embedBatch(embedder, forward, padded, bytes);
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

interface Reading {
  /** BATCH examples: the last one again where there are fewer. */
  readonly padded: readonly number[];
  readonly pixels: Promise<Uint8Array>;
}

function startReading(source: BatchSource, examples: readonly number[], start: number): Reading {
  const padded = Array.from({ length: BATCH }, (_, i) => examples[Math.min(start + i, examples.length - 1)]);
  const pixels = source.read(padded);
  pixels.catch(() => undefined); // who awaits it hears of it; nobody does when the batch before it fails
  return { padded, pixels };
}

function embedBatch(
  { source, inputSize, views, seed, normalise }: Embedder,
  forward: Forward,
  examples: readonly number[],
  pixels: Uint8Array,
): Float32Array {
  const { edge, channels } = source;
  const geometry = { edge, inputSize };
  return dataOf(() => {
    const images = uploadBytes(pixels, [examples.length, edge, edge, channels]);
    const embedView = (boxes: Float32Array): tf.Tensor2D => forward(images, tf.tensor2d(boxes, [examples.length, 4]));
    const embeddings =
      views === 1
        ? embedView(centreViews(examples.length, geometry))
        : tf
            .addN(Array.from({ length: views }, (_, view) => embedView(seededViews(examples, geometry, seed, view))))
            .div<tf.Tensor2D>(views);
    return normalise ? normaliseRows(embeddings) : embeddings;
  });
}
