/** Embeddings in parts: the same bits as at once, and what was kept is not computed again. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embedInParts } from '../../../activities/trainer/embedding-parts';
import type { PartFile } from '../../../activities/trainer/protocol';
import { TrainingSession } from '../../../learning/training/session';
import { configFor, data, objectives, source } from '../../learning/training/toy';
import { freshFolder } from '../../storage/support/temporary-folder';

const silently = (): Promise<void> => Promise.resolve();
/** Five parts of 2,048 but for the last. */
const examples = Array.from({ length: 4 * 2048 + 100 }, (_, i) => i);

/** Embeds by arithmetic and says what it was asked for. */
function countingSession(): { embeddingSize: number; asked: number[][]; embed: TrainingSession['embed'] } {
  const asked: number[][] = [];
  return {
    embeddingSize: 2,
    asked,
    embed: async (wanted, onBatch) => {
      asked.push([wanted[0], wanted.length]);
      await onBatch(wanted.length);
      return Float32Array.from(wanted.flatMap((i) => [i / 7, -i]));
    },
  };
}

async function keeping(parts: readonly PartFile[], checkpointSeconds: number, stepSeconds = 1) {
  const scratch = await freshFolder();
  const session = countingSession();
  const kept: PartFile[] = [];
  const done: number[] = [];
  let now = 0;
  const hooks = { part: (part: PartFile) => kept.push(part), seconds: () => (now += stepSeconds) };
  const rows = await embedInParts(session, examples, { parts, checkpointSeconds, scratch }, hooks, (count) => {
    done.push(count);
    return Promise.resolve();
  });
  return { rows, kept, asked: session.asked, done };
}

test('S7: every part is handed on, and a later attempt with them computes only the others', async () => {
  const whole = await keeping([], 0);
  expect(whole.kept.map(({ part }) => part)).toEqual([0, 1, 2, 3, 4]);
  expect(whole.asked.at(-1)).toEqual([4 * 2048, 100]);

  const again = await keeping([whole.kept[3], whole.kept[0]], 0);
  expect(again.asked.map(([first]) => first)).toEqual([2048, 4096, 8192]);
  expect(again.rows).toEqual(whole.rows);
  expect(again.done).toEqual([2048, 4096, 6144, 8192, 8292]);
});

test('between two commits of parts lies the interval; those in between go with the next', async () => {
  // A clock that goes on by 1 s at every look: one look a part.
  const { kept } = await keeping([], 2.5);
  expect(kept.map(({ part }) => part)).toEqual([0, 1, 2]);
});

test('a kept part of another size counts as missing', async () => {
  const whole = await keeping([], 0);
  const wrong = join(await freshFolder(), 'short.safetensors');
  await copyFile(whole.kept[4].tensors, wrong);
  const again = await keeping([{ part: 0, tensors: wrong }], 0);
  expect(again.asked).toHaveLength(5);
  expect(again.rows).toEqual(whole.rows);
});

test('the bits of a real session are those of embedding everything at once', async () => {
  const session = await TrainingSession.create(configFor(objectives.magnet, { compile: true }), data, source);
  const many = Array.from({ length: 2048 + 70 }, (_, i) => (i * 7) % data.examples.length);
  const scratch = await freshFolder();
  const hooks = { part: () => undefined, seconds: () => 0 };
  const inParts = await embedInParts(session, many, { parts: [], checkpointSeconds: 9, scratch }, hooks, silently);
  expect(inParts).toEqual(await session.embed(many, silently));
  session.dispose();
});
