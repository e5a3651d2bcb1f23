/** A session's life: phases, epochs, curve, embeddings, and what it refuses. */
import type { CurveRow } from '../../../config/artifacts';
import { memoryReport } from '../../../engine/memory';
import { TrainingSession } from '../../../learning/training/session';
import { configFor, data, digestOf, indexFor, never, objectives, source, stopAfter, trainOn, withSession } from './toy';

const { softmax, triplet, magnet } = objectives;
const settled = (): Promise<void> => Promise.resolve();

test('a run goes through warm start and training; each step is a row of its epoch’s curve', async () => {
  const config = configFor(magnet);
  await withSession(config, async (session) => {
    const rows: CurveRow[] = [];
    const positions: string[] = [];
    await trainOn(session, config, {
      ...never,
      onStep: (row) => {
        rows.push(row);
        const { phase, epoch, step, globalStep } = session.position;
        positions.push(`${phase} ${epoch}.${step} #${globalStep}`);
      },
    });
    expect(positions).toEqual([
      ...['warm-start 1.1 #1', 'warm-start 1.2 #2', 'warm-start 2.1 #3', 'warm-start 2.2 #4'],
      ...['train 1.1 #1', 'train 1.2 #2', 'train 1.3 #3', 'train 2.1 #4', 'train 2.2 #5', 'train 2.3 #6'],
    ]);
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 5, 6]);
    expect(rows.map(({ variance }) => variance !== null)).toEqual([...Array(4).fill(false), ...Array(6).fill(true)]);
    expect(rows.every(({ loss, error }) => loss >= 0 && error >= 0 && error <= 1)).toBe(true);
    expect(session.capture().curve).toEqual(rows.slice(-3));
  });
});

test('softmax learns the toy set', async () => {
  const config = configFor(softmax, {
    epochs: 10,
    stepsPerEpoch: 4,
    warmStart: { epochs: 0, learningRate: 1, batchSize: 8 },
  });
  await withSession(config, async (session) => {
    const rows: CurveRow[] = [];
    await trainOn(session, config, { ...never, onStep: (row) => rows.push(row) });
    expect(rows[0].loss).toBeGreaterThan(1);
    expect(rows.at(-1)?.loss).toBeLessThan(0.5);
    expect(rows.at(-1)?.error).toBeLessThan(0.2);
  });
});

test('training begins with empty slots, the trained weights, and a head for softmax only', async () => {
  for (const objective of [softmax, magnet]) {
    await withSession(configFor(objective), async (session) => {
      for (const epoch of [1, 2]) await session.trainEpoch(epoch, null, never);
      const before = session.capture();
      session.beginTraining();
      const after = session.capture();
      expect(after.position).toEqual({ phase: 'train', epoch: 0, step: 0, globalStep: 0 });
      expect(after.curve).toEqual([]);
      expect(after.tensors.get('conv1/filter')?.values).toEqual(before.tensors.get('conv1/filter')?.values);
      expect(after.tensors.get('conv1/mean')?.values).toEqual(before.tensors.get('conv1/mean')?.values);
      expect(before.tensors.get('conv1/filter/adam-v')?.values.some((value) => value > 0)).toBe(true);
      expect(after.tensors.get('conv1/filter/adam-v')?.values.every((value) => value === 0)).toBe(true);
      expect(after.tensors.has('head/w')).toBe(objective === softmax);
    });
  }
});

test('the running variance is the bias-corrected average of the steps’ variances', async () => {
  const config = configFor(magnet);
  await withSession(config, async (session) => {
    expect(session.runningVariance).toBeNull();
    const variances: number[] = [];
    await trainOn(session, config, {
      ...never,
      onStep: ({ variance }) => variance !== null && variances.push(variance),
    });
    const weights = variances.map((_, i) => 0.99 ** (variances.length - 1 - i));
    const total = weights.reduce((a, b) => a + b, 0);
    const expected = variances.reduce((sum, variance, i) => sum + variance * weights[i], 0) / total;
    expect(session.runningVariance).toBeCloseTo(expected, 12);
  });
});

test('an epoch that is whole is not trained again; one that is out of turn is refused', async () => {
  await withSession(configFor(softmax), async (session) => {
    expect(() => session.beginTraining()).toThrow('warm start of 2 epochs must be done');
    await session.trainEpoch(1, null, never);
    const digest = digestOf(session.capture());
    expect(await session.trainEpoch(1, null, never)).toBe('finished');
    expect(digestOf(session.capture())).toBe(digest);
    await expect(session.trainEpoch(3, null, never)).rejects.toThrow('got epoch 3');
    expect(await session.trainEpoch(2, null, stopAfter(1))).toBe('stopped');
    await expect(session.trainEpoch(3, null, never)).rejects.toThrow('got epoch 3');
  });
});

test('a loss that is not finite ends the run, naming the step; the state after it cannot be captured', async () => {
  const config = configFor(softmax, { warmStart: { epochs: 2, learningRate: 1e30, batchSize: 16 } });
  await withSession(config, async (session) => {
    const training = trainOn(session, config);
    await expect(training).rejects.toMatchObject({
      kind: 'NumericalDivergence',
      message: expect.stringMatching(/step \d of epoch \d \(warm-start\): the loss is not finite/) as string,
      facts: { phase: 'warm-start' },
    });
    expect(() => session.capture()).toThrow('is not finite');
  });
});

test('embeddings that are all equal end the run with their own reason: the loss would divide by their variance', async () => {
  const flat = (examples: readonly number[]): Promise<Uint8Array> =>
    Promise.resolve(new Uint8Array(examples.length * source.edge ** 2 * source.channels).fill(128));
  const config = configFor(magnet);
  const session = await TrainingSession.create(config, data, { ...source, read: flat });
  await expect(trainOn(session, config)).rejects.toMatchObject({
    kind: 'NumericalDivergence',
    message: expect.stringMatching(/step 1 of epoch 1 \(train\): within each cluster .* all embeddings are equal/),
  });
  session.dispose();
});

test('a state of another network, optimizer or data set is refused and changes nothing', async () => {
  const state = await withSession(configFor(magnet), (session) => Promise.resolve(session.capture()));
  const others = [
    configFor(magnet, { network: { name: 'convnet-4', inputSize: 16, embeddingSize: 9 } }),
    configFor(magnet, { optimizer: { type: 'momentum', momentum: 0.9 } }),
  ];
  for (const config of others) {
    await withSession(config, (session) => {
      const digest = digestOf(session.capture());
      const incompatible = expect.objectContaining({ kind: 'CheckpointIncompatible' }) as Error;
      expect(() => session.restore(state)).toThrow(incompatible);
      const otherPhase = { ...state, position: { ...state.position, phase: 'train' as const } };
      expect(() => session.restore(otherPhase)).toThrow(incompatible);
      expect(digestOf(session.capture())).toBe(digest);
      return settled();
    });
  }
});

describe('embeddings', () => {
  const examples = data.examples.map((_, i) => i);

  test('stand in the order asked for, whatever the company, and are counted by batch', async () => {
    await withSession(configFor(magnet), async (session) => {
      const many = [...examples, ...examples]; // more than one batch
      const counts: number[] = [];
      const all = await session.embed(many, (done) => {
        counts.push(done);
        return settled();
      });
      expect(all.length).toBe(many.length * session.embeddingSize);
      expect(counts).toEqual([64, 80]);
      const row = (embeddings: Float32Array, i: number): Float32Array => embeddings.slice(i * 8, i * 8 + 8);
      const two = await session.embed([7, 3], settled);
      for (const [alone, place] of [
        [row(two, 0), 7],
        [row(two, 1), 3],
        [row(two, 1), 43],
      ] as const) {
        alone.forEach((value, e) => expect(value).toBeCloseTo(row(all, place)[e], 5));
      }
      expect(row(all, 3)).not.toEqual(row(all, 7));
    });
  });

  test('change no state, and are the same again', async () => {
    await withSession(configFor(softmax), async (session) => {
      await session.trainEpoch(1, null, never);
      const digest = digestOf(session.capture());
      const first = await session.embed(examples, settled);
      expect(await session.embed(examples, settled)).toEqual(first);
      expect(digestOf(session.capture())).toBe(digest);
    });
  });

  test.each([1, 16] as const)(
    'of %d views: compiled they are the eager ones to rounding, and after further training too',
    async (views) => {
      const [eager, compiled] = await Promise.all(
        [false, true].map((compile) =>
          withSession(configFor(triplet, { compile, views }), async (session) => {
            const all: Float32Array[] = [];
            for (const epoch of [1, 2]) {
              await session.trainEpoch(epoch, null, never);
              all.push(await session.embed(examples, settled));
            }
            session.beginTraining(); // from here on normalised
            return [...all, await session.embed(examples, settled)];
          }),
        ),
      );
      eager.forEach((embeddings, i) => {
        const largest = embeddings.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        const apart = embeddings
          .map((value, e) => Math.abs(value - compiled[i][e]))
          .reduce((a, b) => Math.max(a, b), 0);
        expect(apart).toBeLessThan(1e-5 * largest);
      });
      expect(compiled[0]).not.toEqual(compiled[1]);
    },
  );

  test('B3: of a compiled session are the same bits in one that restored its state', async () => {
    const config = configFor(magnet, { compile: true });
    await withSession(config, async (warm) => {
      await warm.embed(examples, settled);
      await trainOn(warm, config);
      const embeddings = await warm.embed(examples, settled);
      const state = warm.capture();
      await withSession(config, async (reloaded) => {
        reloaded.restore(state);
        expect(await reloaded.embed(examples, settled)).toEqual(embeddings);
      });
    });
  });

  test('of 16 views are near those of the centre view, and depend on the seed', async () => {
    const embed = (changes: Partial<ReturnType<typeof configFor>>): Promise<Float32Array> =>
      withSession(configFor(magnet, changes), async (session) => {
        const { tensors } = session.capture();
        expect(tensors.size).toBeGreaterThan(0);
        return session.embed([0, 1], settled);
      });
    const [centre, views, again] = [await embed({}), await embed({ views: 16 }), await embed({ views: 16 })];
    expect(views).toEqual(again);
    expect(views).not.toEqual(centre);
    const largest = Math.max(...centre.map(Math.abs));
    views.forEach((value, i) => expect(Math.abs(value - centre[i])).toBeLessThan(largest));
  });

  test('have length 1 while triplet is trained with normalise, and not before', async () => {
    const config = configFor(triplet);
    await withSession(config, async (session) => {
      const lengthOf = (row: Float32Array): number => Math.hypot(...row);
      for (const epoch of [1, 2]) await session.trainEpoch(epoch, null, never);
      expect(Math.abs(lengthOf(await session.embed([0], settled)) - 1)).toBeGreaterThan(1e-3);
      session.beginTraining();
      expect(lengthOf(await session.embed([0], settled))).toBeCloseTo(1, 5);
      await session.trainEpoch(1, indexFor(triplet), never);
      expect(lengthOf(await session.embed([0], settled))).toBeCloseTo(1, 5);
    });
  });

  test('have head scores in the warm start and for softmax', async () => {
    const config = configFor(magnet);
    await withSession(config, async (session) => {
      const embeddings = await session.embed([0, 1, 2], settled);
      expect(session.headScores(embeddings)?.length).toBe(3 * data.classes.length);
      await trainOn(session, config);
      expect(session.headScores(embeddings)).toBeNull();
    });
  });
});

test('training and embedding leave no tensor behind', async () => {
  const config = configFor(magnet, { epochs: 4 });
  await withSession(config, async (session) => {
    const counts: number[] = [];
    await trainOn(session, config, {
      ...never,
      afterStep: async () => {
        await session.embed([0, 1], settled);
        session.capture();
        counts.push(memoryReport().nativeTensors);
      },
    });
    const training = counts.slice(4);
    expect(new Set(training).size).toBe(1);
  });
});
