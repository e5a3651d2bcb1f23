/** Evaluations of embeddings whose answers are known: fine classes as clouds in the plane, two to a class. */
import { Evaluation } from '../../config/artifacts';
import type { Objective } from '../../config/objective';
import { EvaluationOptions } from '../../config/recipe';
import type { BatchSource } from '../../learning/batch-source';
import { evaluate, validationErrorOf, type EvaluationRequest } from '../../learning/evaluation';
import { buildClusterIndex } from '../../learning/index/cluster';
import type { RunIndex } from '../../learning/index/run-index';
import { rngFor } from '../../learning/random';
import { classesOf, labelData, type TrainingData } from '../../learning/training-data';
import { objectives } from './training/toy';

const FINE = 12;
const PER_FINE = 10; // six to train on, two to validate and two to test
const EMBEDDING_SIZE = 2;

function dataWith(trainOn: 'train' | 'train+validation' = 'train'): TrainingData {
  return labelData(
    Array.from({ length: FINE * PER_FINE }, (_, i) => ({
      path: `${String(i).padStart(3, '0')}.png`,
      split: i % PER_FINE < 6 ? 'train' : i % PER_FINE < 8 ? 'validation' : 'test',
      labels: { make: `make ${fineOf(i)}`, kind: `kind ${fineOf(i) % 6}` },
    })),
    { label: 'kind', fineLabel: 'make', pairing: null, trainOn },
  );
}

function fineOf(example: number): number {
  return Math.floor(example / PER_FINE);
}

/** Clouds of radius ≈ `spread` on a circle of radius 10, about 5 apart: fine classes of one class stand opposite. */
function embeddingsOf(data: TrainingData, spread: number): Float32Array {
  const rng = rngFor(7, 'clouds');
  return Float32Array.from(
    data.examples.flatMap((_, i) => {
      const angle = (2 * Math.PI * fineOf(i)) / FINE;
      return [10 * Math.cos(angle) + spread * rng.normal(), 10 * Math.sin(angle) + spread * rng.normal()];
    }),
  );
}

const source: BatchSource = {
  edge: 8,
  channels: 1,
  read: (examples) =>
    Promise.resolve(
      Uint8Array.from(
        examples.flatMap((example) => Array.from({ length: 64 }, (_, i) => (i === fineOf(example) ? 255 : 1))),
      ),
    ),
};

function rowsOf(embeddings: Float32Array, examples: readonly number[]): Float32Array {
  return Float32Array.from(examples.flatMap((i) => [embeddings[2 * i], embeddings[2 * i + 1]]));
}

function indexOf(data: TrainingData, objective: Objective, embeddings: Float32Array): RunIndex {
  const train = rowsOf(embeddings, data.train);
  if (objective.type !== 'magnet') return { type: 'embeddings', embeddings: train, embeddingSize: EMBEDDING_SIZE };
  return buildClusterIndex({
    embeddings: train,
    embeddingSize: EMBEDDING_SIZE,
    classes: classesOf(data, data.train, 'trained'),
    classNames: data.classes,
    clustersPerClass: 2,
    previous: null,
    seed: 1,
    epoch: 1,
  }).index;
}

/** A head that knows every answer: the class of the nearest cloud. */
function headScores(embeddings: Float32Array): Float32Array {
  return Float32Array.from(
    Array.from({ length: embeddings.length / 2 }, (_, row) => {
      const turn = Math.atan2(embeddings[2 * row + 1], embeddings[2 * row]) / (2 * Math.PI);
      const kind = ((Math.round(turn * FINE) + FINE) % FINE) % 6;
      return Array.from({ length: 6 }, (_class, id) => (id === kind ? 1 : -1));
    }).flat(),
  );
}

interface Case {
  readonly objective?: Objective;
  readonly spread?: number;
  readonly trainOn?: 'train' | 'train+validation';
  readonly options?: Partial<EvaluationOptions>;
  readonly onProgress?: (done: number, of: number) => Promise<void>;
}

function requestFor(given: Case): EvaluationRequest {
  const { objective = objectives.magnet, spread = 0.3, trainOn, options, onProgress } = given;
  const data = dataWith(trainOn);
  const embeddings = embeddingsOf(data, spread);
  return {
    data,
    objective,
    evaluation: { ...EvaluationOptions.parse({}), neighbours: 16, ...options },
    index: indexOf(data, objective, embeddings),
    runningVariance: objective.type === 'magnet' ? 0.1 : null,
    embeddings,
    embeddingSize: EMBEDDING_SIZE,
    headScores: (rows) => (objective.type === 'softmax' ? headScores(rows) : null),
    source,
    seed: 1,
    onProgress: onProgress ?? ((): Promise<void> => Promise.resolve()),
  };
}

const digest = 'a'.repeat(64);

describe.each(Object.values(objectives))('$type', (objective) => {
  test('clouds apart from each other are read without error, by every read-out of both labels', async () => {
    const found = await evaluate(requestFor({ objective }));
    const wrong = found.readouts.filter(({ error1 }) => error1 > 0);
    expect(wrong).toEqual([]);
    expect(
      found.readouts.filter(({ split, labels }) => split === 'test' && labels === 'trained').map(({ name }) => name),
    ).toEqual([
      ...(objective.type === 'softmax' ? ['softmax-head'] : []),
      'knc',
      'soft-knn',
      'soft-knn-plain',
      'one-nn',
    ]);
    expect(
      found.readouts.filter(({ split, labels }) => split === 'test' && labels === 'fine').map(({ name }) => name),
    ).toEqual(['knc-refit', 'knc-histogram', 'soft-knn', 'soft-knn-plain', 'one-nn']);
    expect(found.baselines).toEqual({ chance: { trained: 5 / 6, fine: 11 / 12 }, rawPixels: { trained: 0, fine: 0 } });
    expect(found.retrieval.fine).toMatchObject({ precision1: 1, mapAtR: 1 });
    expect(found.retrieval.trained.mapAtR).toBeLessThan(0.6); // the other cloud of the class stands opposite
    expect(found.confusions).toEqual([]);
  });

  test('it parses as the stored evaluation and is the same each time', async () => {
    const request = requestFor({ objective, spread: 4 });
    const found = await evaluate(request);
    const stored = { version: 1, checkpoint: digest, index: digest, dataSet: digest, ...found };
    expect(Evaluation.parse(JSON.parse(JSON.stringify(stored)))).toEqual(stored);
    expect(await evaluate(request)).toEqual(found);
  });

  test('an epoch’s validation error is 0 for clouds apart and not for mixed ones', () => {
    const errorOf = (spread: number): number | null => {
      const request = requestFor({ objective, spread });
      const { data, embeddings } = request;
      return validationErrorOf({
        ...request,
        trainEmbeddings: rowsOf(embeddings, data.train),
        validationEmbeddings: rowsOf(embeddings, data.validation),
      });
    };
    expect(errorOf(0.3)).toBe(0);
    expect(errorOf(6)).toBeGreaterThan(0.2);
  });
});

test('headlines: softmax its head, triplet soft-kNN, Magnet kNC; soft-kNN for fine labels', async () => {
  const headlines = await Promise.all(
    (['softmax', 'triplet', 'magnet'] as const).map(async (name) => {
      const { headline } = await evaluate(requestFor({ objective: objectives[name] }));
      return [headline.trained.name, headline.fine?.name, headline.trained.split];
    }),
  );
  expect(headlines).toEqual([
    ['softmax-head', 'soft-knn', 'test'],
    ['soft-knn', 'soft-knn', 'test'],
    ['knc', 'soft-knn', 'test'],
  ]);
});

test('a setting is chosen on validation, for each kind of labels, and the headlines tell of validation too', async () => {
  const { readouts } = await evaluate(requestFor({ spread: 4 }));
  const chosen = readouts.filter(({ name }) => name === 'soft-knn');
  expect(chosen.every(({ setting }) => setting !== null)).toBe(true);
  expect(readouts.filter(({ split }) => split === 'validation').map(({ name, labels }) => [name, labels])).toEqual([
    ['knc', 'trained'],
    ['soft-knn', 'fine'],
  ]);
});

test('a given setting is taken as it is', async () => {
  const softKnn = { normalised: true, temperature: 0.5 };
  const { readouts } = await evaluate(requestFor({ spread: 4, options: { softKnn } }));
  for (const { name, setting } of readouts) expect(setting).toEqual(name === 'soft-knn' ? softKnn : null);
});

test('without validation and a given setting: L2, τ = ¼, and a warning that says so', async () => {
  const { readouts, warnings } = await evaluate(requestFor({ trainOn: 'train+validation' }));
  expect(readouts.find(({ name }) => name === 'soft-knn')?.setting).toEqual({ normalised: true, temperature: 0.25 });
  expect(warnings).toEqual([expect.stringContaining('evaluation.softKnn')]);
});

test('without validation records an epoch has no validation error', () => {
  const request = requestFor({ trainOn: 'train+validation' });
  const { data, embeddings } = request;
  const trainEmbeddings = rowsOf(embeddings, data.train);
  expect(validationErrorOf({ ...request, trainEmbeddings, validationEmbeddings: new Float32Array(0) })).toBeNull();
});

test('embeddings in the very same direction: raw is chosen where L2 tells nothing', async () => {
  const request = requestFor({});
  const onRay = Float32Array.from(request.data.examples.flatMap((_, i) => [1 + fineOf(i), 0]));
  const found = await evaluate({
    ...request,
    embeddings: onRay,
    index: indexOf(request.data, objectives.magnet, onRay),
  });
  const fine = found.readouts.find(({ name, labels }) => name === 'soft-knn' && labels === 'fine');
  expect(fine).toMatchObject({ error1: 0, setting: { normalised: false } });
});

test('the gallery shows each cluster with its nearest members and their fine labels', async () => {
  const { clusters } = await evaluate(requestFor({}));
  expect(clusters).toHaveLength(12);
  for (const { size, nearest, fine, className } of clusters) {
    expect(size).toBe(6);
    expect(nearest).toHaveLength(6);
    expect(fine).toHaveLength(1);
    expect(fine[0].count).toBe(6);
    const [example] = nearest.map((path) => Number(path.slice(0, 3)));
    expect([`kind ${fineOf(example) % 6}`, `make ${fineOf(example)}`]).toEqual([className, fine[0].name]);
  }
});

test('examples told right and told wrong, at most six each, with five neighbours in order', async () => {
  const { neighbours } = await evaluate(requestFor({ spread: 4 }));
  for (const right of [true, false]) {
    const shown = neighbours.filter((query) => query.right === right);
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.length).toBeLessThanOrEqual(6);
  }
  for (const { nearest } of neighbours) {
    const distances = nearest.map(({ distance }) => distance);
    expect(distances).toHaveLength(5);
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
  }
});

test('progress never falls and ends whole', async () => {
  const told: [number, number][] = [];
  await evaluate(requestFor({ onProgress: (done, of) => Promise.resolve(void told.push([done, of])) }));
  const [done, of] = told[told.length - 1];
  expect(done).toBe(of);
  expect(told.map(([at]) => at)).toEqual(told.map(([at]) => at).sort((a, b) => a - b));
  expect(told.length).toBeGreaterThan(5);
});

test('an embedding that is not a number ends the evaluation', async () => {
  const request = requestFor({});
  const embeddings = request.embeddings.slice();
  embeddings[5] = Number.NaN;
  await expect(evaluate({ ...request, embeddings })).rejects.toMatchObject({ kind: 'NumericalDivergence' });
});

test('a set without test records is evaluated on validation and says so; without both it is refused', async () => {
  const request = requestFor({});
  const { data } = request;
  const { headline, warnings } = await evaluate({ ...request, data: { ...data, test: [] } });
  expect(headline.trained.split).toBe('validation');
  expect(warnings).toEqual([expect.stringContaining('no test records')]);
  await expect(evaluate({ ...request, data: { ...data, test: [], validation: [] } })).rejects.toMatchObject({
    kind: 'DataRejected',
  });
});
