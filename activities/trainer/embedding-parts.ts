/**
 * Embeddings of many examples in parts of one size, each of them kept by the host, so that a work that dies goes on from
 * the last part (DURABILITY S7). Parts are whole batches: the bits are those of embedding everything at once.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '../../storage/safetensors';
import { writeWhole } from './files';
import { EXAMPLES_OF_PART, type EvaluateWork, type PartFile, type RefreshWork } from './protocol';

interface Embedding {
  readonly embeddingSize: number;
  embed(examples: readonly number[], onBatch: (done: number) => Promise<void>): Promise<Float32Array>;
}

interface PartHooks {
  part(part: PartFile): void;
  seconds(): number;
}

/**
 * @param onBatch awaited after each batch with the number of examples done
 * @returns float32 [examples.length, E]
 */
export async function embedInParts(
  session: Embedding,
  examples: readonly number[],
  {
    parts: kept,
    checkpointSeconds,
    scratch,
  }: Pick<RefreshWork | EvaluateWork, 'parts' | 'checkpointSeconds' | 'scratch'>,
  hooks: PartHooks,
  onBatch: (done: number) => Promise<void>,
): Promise<Float32Array> {
  const { embeddingSize } = session;
  const all = new Float32Array(examples.length * embeddingSize);
  const unsent: { part: number; rows: Float32Array }[] = [];
  let sent = hooks.seconds();
  for (let part = 0; part * EXAMPLES_OF_PART < examples.length; part++) {
    const start = part * EXAMPLES_OF_PART;
    const own = examples.slice(start, start + EXAMPLES_OF_PART);
    const found = await keptRows(kept, part, own.length * embeddingSize);
    const rows = found ?? (await session.embed(own, (done) => onBatch(start + done)));
    all.set(rows, start * embeddingSize);
    if (found) {
      await onBatch(start + own.length);
      continue;
    }
    unsent.push({ part, rows });
    if (hooks.seconds() - sent < checkpointSeconds) continue;
    for (const one of unsent.splice(0)) hooks.part(await writePart(scratch, one.part, one.rows, embeddingSize));
    sent = hooks.seconds();
  }
  return all;
}

/** null where the part is not kept, or is not of this size. */
async function keptRows(kept: readonly PartFile[], part: number, length: number): Promise<Float32Array | null> {
  const file = kept.find((one) => one.part === part);
  if (file === undefined) return null;
  const values = readSafetensors(await readFile(file.tensors)).get('embeddings')?.values;
  return values instanceof Float32Array && values.length === length ? values : null;
}

async function writePart(scratch: string, part: number, rows: Float32Array, embeddingSize: number): Promise<PartFile> {
  const tensors = join(scratch, `embeddings-${part}.safetensors`);
  const shape = [rows.length / embeddingSize, embeddingSize];
  await writeWhole(tensors, writeSafetensors(new Map([['embeddings', { dtype: 'F32', shape, values: rows }]])));
  return { part, tensors };
}
