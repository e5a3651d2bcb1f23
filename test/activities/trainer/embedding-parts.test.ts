/** Embeddings in parts: the same bits as at once, and what was kept is not computed again. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embedInParts, embedMissingParts, inOrderOf } from '../../../activities/trainer/embedding-parts';
import type { FoundPart, PartFile } from '../../../activities/trainer/protocol';
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

const alone = { at: 0, of: 1 };
const nobody = {
  find: (): Promise<FoundPart> => Promise.reject(new Error('nobody else embeds')),
  stopRequested: () => false,
};

async function keeping(parts: readonly PartFile[], checkpointSeconds: number, stepSeconds = 1) {
  const scratch = await freshFolder();
  const session = countingSession();
  const kept: PartFile[] = [];
  const done: number[] = [];
  let now = 0;
  const hooks = { ...nobody, part: (part: PartFile) => kept.push(part), seconds: () => (now += stepSeconds) };
  const plan = { parts, checkpointSeconds, scratch, share: alone };
  const rows = await embedInParts(session, examples, plan, hooks, (count) => {
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
  const hooks = { ...nobody, part: () => undefined, seconds: () => 0 };
  const plan = { parts: [], checkpointSeconds: 9, scratch, share: alone };
  const inParts = await embedInParts(session, many, plan, hooks, silently);
  expect(inParts).toEqual(await session.embed(many, silently));
  session.dispose();
});

describe('several trainers that share', () => {
  /** The store as all of them see it: a part is there as soon as it is handed on. */
  class Board {
    readonly there = new Map<number, string>();
    find = (part: number, bring: boolean): Promise<FoundPart> => {
      const tensors = this.there.get(part) ?? null;
      return Promise.resolve({ isThere: tensors !== null, tensors: bring ? tensors : null });
    };
  }

  /** Played time: whoever is earliest goes on, and only once all others stand still, so that real speeds decide nothing. */
  class PlayedTime {
    private readonly standing = new Map<number, { until: number; goOn: () => void }>();
    private readonly present = new Set<number>();

    enter(trainer: number): void {
      this.present.add(trainer);
    }

    leave(trainer: number): void {
      this.present.delete(trainer);
      this.next();
    }

    wait(trainer: number, until: number): Promise<void> {
      return new Promise((goOn) => {
        this.standing.set(trainer, { until, goOn });
        this.next();
      });
    }

    private next(): void {
      if (this.standing.size < this.present.size || this.standing.size === 0) return;
      const [[trainer, { goOn }]] = [...this.standing].sort(([a, x], [b, y]) => x.until - y.until || a - b);
      this.standing.delete(trainer);
      goOn();
    }
  }

  /** A trainer that takes `slowness` seconds a batch of 64. */
  async function trainer(
    board: Board,
    share: { at: number; of: number },
    slowness: number,
    { time = new PlayedTime(), stopAfter = Infinity } = {},
  ) {
    time.enter(share.at);
    const scratch = await freshFolder();
    const session = countingSession();
    let batches = 0;
    const embed: typeof session.embed = async (wanted, onBatch) => {
      const rows = await session.embed(wanted, silently);
      for (let done = 64; done < wanted.length; done += 64) await onBatch(done);
      await onBatch(wanted.length);
      return rows;
    };
    const hooks = {
      part: ({ part, tensors }: PartFile) => board.there.set(part, tensors),
      find: board.find,
      seconds: () => batches * slowness,
      stopRequested: () => batches >= stopAfter,
    };
    const onBatch = (): Promise<void> => {
      batches += 1;
      return time.wait(share.at, batches * slowness);
    };
    const leave = (): void => time.leave(share.at);
    const plan = { parts: [], checkpointSeconds: 0, scratch, share };
    const whole = { embeddingSize: 2, embed };
    return {
      asked: () => session.asked.map(([first]) => first / 2048),
      embed: () => embedInParts(whole, examples, plan, hooks, onBatch).finally(leave),
      help: () => embedMissingParts(whole, examples, plan, hooks, onBatch).finally(leave),
    };
  }

  test('each begins with a share of its own and takes what is missing of the others from its end', () => {
    expect(inOrderOf({ at: 0, of: 1 }, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(inOrderOf({ at: 0, of: 2 }, 5)).toEqual([0, 1, 4, 3, 2]);
    expect(inOrderOf({ at: 1, of: 2 }, 5)).toEqual([2, 3, 4, 1, 0]);
    for (const trainers of [2, 3, 7]) {
      const orders = Array.from({ length: trainers }, (_, at) => inOrderOf({ at, of: trainers }, 20));
      for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
      const begin = (at: number): number => Math.floor((20 * at) / trainers);
      const own = orders.flatMap((order, at) => order.slice(0, begin(at + 1) - begin(at)));
      expect(own).toEqual([...Array(20).keys()]); // nobody's own share is another one's too
    }
    expect(inOrderOf({ at: 2, of: 7 }, 2)).toHaveLength(2); // more trainers than parts
  });

  test('H1: whatever their speeds, all parts come together, with the bits of one trainer alone', async () => {
    const { rows } = await keeping([], 0);
    for (const [first, second, helped] of [
      [1, 1, [2, 3, 4]],
      [1, 2, [2]],
      [1, 9, []], // while it makes its first part, all are made
      [9, 1, [2, 3, 4, 1, 0]],
    ] as const) {
      const [board, time] = [new Board(), new PlayedTime()];
      const main = await trainer(board, { at: 0, of: 2 }, first, { time });
      const helper = await trainer(board, { at: 1, of: 2 }, second, { time });
      const [together, made] = await Promise.all([main.embed(), helper.help()]);
      expect(together).toEqual(rows);
      expect(made).toEqual(helped);
      expect(new Set([...made, ...main.asked()]).size).toBe(5);
      expect(main.asked().length + helper.asked().length).toBeLessThanOrEqual(5 + 1); // at most one was begun twice
    }
  });

  test('H1: without any help the work is done all the same', async () => {
    const main = await trainer(new Board(), { at: 0, of: 4 }, 1);
    expect(await main.embed()).toEqual((await keeping([], 0)).rows);
  });

  test('a part that somebody else has made meanwhile is left off, and theirs is taken', async () => {
    const board = new Board();
    const whole = await keeping([], 0);
    const main = await trainer(board, { at: 0, of: 2 }, 1);
    const embedding = main.embed();
    board.there.set(0, whole.kept[0].tensors); // it has begun with that one
    expect(await embedding).toEqual(whole.rows);
    expect(board.there.get(0)).toBe(whole.kept[0].tensors); // not handed on a second time
  });

  test('H3: asked to stop, help ends at the next batch and has handed on whole parts alone', async () => {
    const board = new Board();
    const helper = await trainer(board, { at: 1, of: 2 }, 1, { stopAfter: 40 }); // 32 batches are a part
    expect(await helper.help()).toEqual([2]);
    expect([...board.there.keys()]).toEqual([2]);
  });
});
