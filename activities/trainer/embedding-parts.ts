/**
 * Embeddings of many examples in parts of one size, each of them kept by the host, so that a work that dies goes on from
 * the last part (DURABILITY S7) and several trainers share them. Parts are whole batches: the bits are those of embedding
 * everything at once, whoever made which part.
 *
 * Trainers that share begin with shares of their own and then take what is missing of the others' from its end, so that two
 * meet in the middle. Nobody waits for another one: at most the last parts are made twice, and whoever learns that the part
 * under way is there by now leaves off.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '../../storage/safetensors';
import { writeWhole } from './files';
import {
  EXAMPLES_OF_PART,
  type EvaluateWork,
  type FoundPart,
  type HelpWork,
  type PartFile,
  type RefreshWork,
  type Share,
} from './protocol';

interface Embedding {
  readonly embeddingSize: number;
  embed(examples: readonly number[], onBatch: (done: number) => Promise<void>): Promise<Float32Array>;
}

interface PartHooks {
  part(part: PartFile): void;
  find(part: number, bring: boolean): Promise<FoundPart>;
  stopRequested(): boolean;
  seconds(): number;
}

type Plan = Pick<RefreshWork | EvaluateWork | HelpWork, 'parts' | 'checkpointSeconds' | 'scratch' | 'share'>;

/** Between two looks whether somebody else has made the part under way. */
const LOOK_SECONDS = 1;

/**
 * @param onBatch awaited after each batch with the number of examples done
 * @returns float32 [examples.length, E]
 */
export async function embedInParts(
  session: Embedding,
  examples: readonly number[],
  plan: Plan,
  hooks: PartHooks,
  onBatch: (done: number) => Promise<void>,
): Promise<Float32Array> {
  const { embeddingSize } = session;
  const all = new Float32Array(examples.length * embeddingSize);
  const kept = new Map(plan.parts.map(({ part, tensors }) => [part, tensors]));
  let done = 0;
  const keep = makeKeeper(plan, embeddingSize, hooks);
  for (const part of inOrderOf(plan.share, partsOf(examples))) {
    const own = examplesIn(part, examples);
    const length = own.length * embeddingSize;
    const there = async (): Promise<Float32Array | null> => {
      const path = kept.get(part) ?? (plan.share.of > 1 ? (await hooks.find(part, true)).tensors : null);
      return path === null ? null : keptRows(path, length);
    };
    const before = done;
    let rows = await there();
    if (rows === null) {
      const isShared = plan.share.of > 1;
      const made = await embedUnless(session, own, hooks, isShared ? there : null, (count) => onBatch(before + count));
      if (made.isNew) await keep(part, made.rows);
      rows = made.rows;
    } else await onBatch(before + own.length);
    all.set(rows, part * EXAMPLES_OF_PART * embeddingSize);
    done += own.length;
  }
  return all;
}

/**
 * Embeds what nobody has made yet, and keeps nothing of it here. Ends when every part is there, or at the next batch after
 * it is asked to stop.
 * @returns the parts that it made
 */
export async function embedMissingParts(
  session: Embedding,
  examples: readonly number[],
  plan: Plan,
  hooks: PartHooks,
  onBatch: (done: number) => Promise<void>,
): Promise<number[]> {
  const nothing = new Float32Array(0);
  const parts: number[] = [];
  let done = 0;
  const keep = makeKeeper(plan, session.embeddingSize, hooks);
  try {
    for (const part of inOrderOf(plan.share, partsOf(examples))) {
      const there = async (): Promise<Float32Array | null> =>
        (await hooks.find(part, false)).isThere ? nothing : null;
      if (await there()) continue;
      const before = done;
      const made = await embedUnless(session, examplesIn(part, examples), hooks, there, async (count) => {
        await onBatch(before + count);
        if (hooks.stopRequested()) throw new Stopped();
      });
      if (!made.isNew) continue;
      await keep(part, made.rows);
      parts.push(part);
      done += made.rows.length / session.embeddingSize;
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  return parts;
}

/** The own share first, then what others have, from the end of each share: the next one's first. */
export function inOrderOf({ at, of }: Share, parts: number): number[] {
  const begin = (share: number): number => Math.floor((share * parts) / of);
  const shareOf = (share: number): number[] =>
    Array.from({ length: begin(share + 1) - begin(share) }, (_, i) => begin(share) + i);
  const others = Array.from({ length: of - 1 }, (_, i) => shareOf((at + 1 + i) % of).reverse());
  return [...shareOf(at), ...others.flat()];
}

/** Thrown inside a part: it is there by now. */
class MadeElsewhere extends Error {
  constructor(readonly rows: Float32Array) {
    super('made elsewhere');
  }
}

/** Thrown inside a part: the work was asked to stop. */
class Stopped extends Error {}

/**
 * Embeds a part, but looks now and then whether somebody else has made it.
 * @param elsewhere the rows where it is there; null: nobody else embeds
 */
async function embedUnless(
  session: Embedding,
  examples: readonly number[],
  hooks: PartHooks,
  elsewhere: (() => Promise<Float32Array | null>) | null,
  onBatch: (done: number) => Promise<void>,
): Promise<{ rows: Float32Array; isNew: boolean }> {
  if (elsewhere === null) return { rows: await session.embed(examples, onBatch), isNew: true };
  let looked = hooks.seconds();
  try {
    const rows = await session.embed(examples, async (done) => {
      await onBatch(done);
      if (done === examples.length || hooks.seconds() - looked < LOOK_SECONDS) return;
      looked = hooks.seconds();
      const found = await elsewhere();
      if (found !== null) throw new MadeElsewhere(found);
    });
    return { rows, isNew: true };
  } catch (error) {
    if (error instanceof MadeElsewhere) return { rows: error.rows, isNew: false };
    throw error;
  }
}

/** Hands parts on to the host: at once, or those of an interval together. */
function makeKeeper(
  { scratch, checkpointSeconds }: Plan,
  embeddingSize: number,
  hooks: PartHooks,
): (part: number, rows: Float32Array) => Promise<void> {
  const unsent: { part: number; rows: Float32Array }[] = [];
  let sent = hooks.seconds();
  return async (part, rows) => {
    unsent.push({ part, rows });
    if (hooks.seconds() - sent < checkpointSeconds) return;
    for (const one of unsent.splice(0)) hooks.part(await writePart(scratch, one.part, one.rows, embeddingSize));
    sent = hooks.seconds();
  };
}

function partsOf(examples: readonly number[]): number {
  return Math.ceil(examples.length / EXAMPLES_OF_PART);
}

function examplesIn(part: number, examples: readonly number[]): readonly number[] {
  return examples.slice(part * EXAMPLES_OF_PART, (part + 1) * EXAMPLES_OF_PART);
}

/** null where the part is not of this size. */
async function keptRows(path: string, length: number): Promise<Float32Array | null> {
  const values = readSafetensors(await readFile(path)).get('embeddings')?.values;
  return values instanceof Float32Array && values.length === length ? values : null;
}

async function writePart(scratch: string, part: number, rows: Float32Array, embeddingSize: number): Promise<PartFile> {
  const tensors = join(scratch, `embeddings-${part}.safetensors`);
  const shape = [rows.length / embeddingSize, embeddingSize];
  await writeWhole(tensors, writeSafetensors(new Map([['embeddings', { dtype: 'F32', shape, values: rows }]])));
  return { part, tensors };
}
