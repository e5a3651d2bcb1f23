/**
 * The evaluation of trained weights: every read-out, metric, baseline and example of the report, from the embeddings of all
 * examples. Deterministic: ties go by class number or by the order of examples, which is that of their paths. Does not know
 * how embeddings are computed or where results are kept.
 */
import type { Evaluation, Readout } from '../config/artifacts';
import type { Objective } from '../config/objective';
import type { EvaluationOptions } from '../config/recipe';
import { assertNever, LodestoneError } from '../errors';
import type { BatchSource } from './batch-source';
import { chanceErrors, rawPixelErrors, rawPixelWork } from './baselines';
import { clusterGallery, neighbourGallery } from './evaluation/gallery';
import { measure, type Labels, type Measured } from './evaluation/measure';
import { kncScale, prepare, type Prepared } from './evaluation/prepare';
import type { RunIndex } from './index/run-index';
import { topConfusions } from './metrics/confusions';
import { retrievalDepth, RetrievalTally } from './metrics/retrieval';
import { nearestNeighbours, searchInBlocks, unitRows } from './readouts/neighbours';
import { givenScores, outcomeOf, type Scores } from './readouts/scores';
import { unchosenSetting } from './readouts/soft-knn';
import { withinClassShare, withinClassVariance } from './readouts/variance';
import { singleBallots, votedScores } from './readouts/votes';
import { classesOf, type TrainingData } from './training-data';

export interface EvaluationRequest {
  readonly data: TrainingData;
  readonly objective: Objective;
  readonly evaluation: EvaluationOptions;
  /** Of the weights that are evaluated. */
  readonly index: RunIndex;
  /** Running average of σ̂²; null for objectives without it. */
  readonly runningVariance: number | null;
  /** float32 [n, E], all of data.examples in their order. */
  readonly embeddings: Float32Array;
  readonly embeddingSize: number;
  /** float32 [rows, classes]; null where the network has no head. */
  readonly headScores: (embeddings: Float32Array) => Float32Array | null;
  readonly source: BatchSource;
  readonly seed: number;
  readonly onProgress: (done: number, of: number) => Promise<void>;
}

const CONFUSIONS = 20;

/**
 * Throws DataRejected where there is neither a test nor a validation record, NumericalDivergence where an embedding is not
 * finite.
 */
export async function evaluate(
  request: EvaluationRequest,
): Promise<Omit<Evaluation, 'version' | 'checkpoint' | 'index' | 'dataSet'>> {
  const { data, objective, embeddings, embeddingSize, runningVariance, index, source } = request;
  checkFinite(embeddings);
  const split = evaluatedSplit(data);
  const evaluated = data[split];
  const work = 3 * evaluated.length + 2 * data.validation.length + rawPixelWork(data, evaluated);
  let done = 0;
  const advance = async (amount: number): Promise<void> => {
    done += amount;
    await request.onProgress(Math.min(done, work), work);
  };

  const prepared = await prepare(request, advance);
  const kinds: readonly Labels[] = data.fineClasses === null ? ['trained'] : ['trained', 'fine'];
  const measured = kinds.flatMap((kind) => measure(request, prepared, kind, split));
  const validated =
    split === 'test' && data.validation.length > 0
      ? kinds.map((kind) => headlineOf(objective, kind, measure(request, prepared, kind, 'validation')).readout)
      : [];
  const trained = headlineOf(objective, 'trained', measured);
  const fine = data.fineClasses === null ? null : headlineOf(objective, 'fine', measured);

  const truth = classesOf(data, evaluated, 'trained');
  const fineTruth = data.fineClasses && classesOf(data, evaluated, 'fine');
  const retrieval = { trained: new RetrievalTally(truth), fine: fineTruth && new RetrievalTally(fineTruth) };
  await searchInBlocks(
    {
      queries: prepared.rowsOf(split),
      references: prepared.rowsOf(split),
      embeddingSize,
      count: Math.max(retrievalDepth(truth), fineTruth ? retrievalDepth(fineTruth) : 0),
      excludeSelf: true,
      orderOnly: true,
      productMiB: request.evaluation.productMiB,
    },
    async (found, begin) => {
      retrieval.trained.add(found, begin);
      retrieval.fine?.add(found, begin);
      await advance(found.queries);
    },
  );
  const rawPixels = await rawPixelErrors(data, evaluated, source, advance);
  await request.onProgress(work, work);

  return {
    objective: objective.type,
    labels: data.labels,
    counts: {
      train: data.train.length,
      validation: data.validation.length,
      test: data.test.length,
      classes: data.classes.length,
      fineClasses: data.fineClasses && data.fineClasses.length,
    },
    readouts: [...measured.map(({ readout }) => readout), ...validated],
    headline: { trained: trained.readout, fine: fine && fine.readout },
    retrieval: { trained: retrieval.trained.result(), fine: retrieval.fine && retrieval.fine.result() },
    baselines: { chance: chanceErrors(data), rawPixels },
    variance: {
      running: runningVariance,
      index: index.type === 'clusters' ? index.variance : null,
      withinClassShare: withinClassShare(prepared.train, embeddingSize, classesOf(data, data.train, 'trained')),
    },
    confusions: topConfusions(truth, trained.predicted, CONFUSIONS).map(({ actual, predicted, count }) => ({
      actual: data.classes[actual],
      predicted: data.classes[predicted],
      count,
    })),
    clusters: clusterGallery(data, prepared.clusters, prepared.train),
    neighbours: neighbourGallery(data, evaluated, trained.predicted, prepared.nearest(split)),
    warnings: warningsOf(request, prepared, split),
  };
}

export interface ValidationRequest {
  readonly data: TrainingData;
  readonly objective: Objective;
  readonly evaluation: EvaluationOptions;
  readonly index: RunIndex;
  readonly runningVariance: number | null;
  /** float32 [train, E] */
  readonly trainEmbeddings: Float32Array;
  /** float32 [validation, E] */
  readonly validationEmbeddings: Float32Array;
  readonly embeddingSize: number;
  readonly headScores: (embeddings: Float32Array) => Float32Array | null;
}

/**
 * Error@1 on validation for the labels as trained, by the objective's headline read-out at a fixed setting: cheap enough for
 * every epoch, and the same rule in each. Null without validation records.
 */
export function validationErrorOf(request: ValidationRequest): number | null {
  const { data, trainEmbeddings, validationEmbeddings } = request;
  if (data.validation.length === 0) return null;
  checkFinite(trainEmbeddings);
  checkFinite(validationEmbeddings);
  return outcomeOf(validationScores(request), classesOf(data, data.validation, 'trained')).error1;
}

function validationScores(request: ValidationRequest): Scores {
  const { data, objective, evaluation, index, validationEmbeddings: queries, embeddingSize } = request;
  const classes = data.classes.length;
  const { neighbours: count, productMiB } = evaluation;
  switch (objective.type) {
    case 'softmax': {
      const scores = request.headScores(queries);
      if (scores === null) throw withoutPart('softmax', 'a head');
      return givenScores(scores, classes);
    }
    case 'magnet': {
      if (index.type !== 'clusters') throw withoutPart('magnet', 'an index of clusters');
      const neighbours = nearestNeighbours({ queries, references: index.centroids, embeddingSize, count, productMiB });
      return votedScores(
        neighbours,
        singleBallots(index.clusterClass, classes),
        kncScale(index, request.runningVariance),
      );
    }
    case 'triplet': {
      const { normalised, temperature } = evaluation.softKnn ?? unchosenSetting;
      const seen = (rows: Float32Array): Float32Array => (normalised ? unitRows(rows, embeddingSize) : rows);
      const references = seen(request.trainEmbeddings);
      const trainClasses = classesOf(data, data.train, 'trained');
      const neighbours = nearestNeighbours({ queries: seen(queries), references, embeddingSize, count, productMiB });
      const variance = withinClassVariance(references, embeddingSize, trainClasses);
      return votedScores(neighbours, singleBallots(trainClasses, classes), 2 * temperature * variance);
    }
    default:
      return assertNever(objective);
  }
}

/** The read-out whose error is the run's (METHOD §4): as trained by objective, fine by soft-kNN for all. */
function headlineOf({ type }: Objective, kind: Labels, measured: readonly Measured[]): Measured {
  const names: Readonly<Record<Objective['type'], Readout['name']>> = {
    softmax: 'softmax-head',
    triplet: 'soft-knn',
    magnet: 'knc',
  };
  const name = kind === 'fine' ? 'soft-knn' : names[type];
  const found = measured.find(({ readout }) => readout.name === name && readout.labels === kind);
  if (!found) throw withoutPart(type, `the read-out ${name}`);
  return found;
}

function evaluatedSplit({ test, validation }: TrainingData): 'test' | 'validation' {
  if (test.length > 0) return 'test';
  if (validation.length > 0) return 'validation';
  throw new LodestoneError(
    'DataRejected',
    'data: got no test and no validation records, evaluation needs one of them. Give the table a split column, or set ' +
      'data.drawnTest above 0.',
  );
}

function warningsOf({ data, evaluation }: EvaluationRequest, { warnings }: Prepared, split: string): string[] {
  const chosen = data.validation.length > 0 || evaluation.softKnn !== null;
  const { normalised, temperature } = unchosenSetting;
  const setting = `${normalised ? 'L2-normalised embeddings' : 'raw embeddings'} at τ = ${temperature}`;
  return [
    ...warnings,
    ...(chosen
      ? []
      : [
          `evaluation.softKnn: got null, and there are no validation records to choose by; soft-kNN reads ${setting}. ` +
            'Choose the setting in a run with validation records and give it here.',
        ]),
    ...(split === 'test'
      ? []
      : ['data: got no test records; all errors are of validation, on which settings are chosen.']),
  ];
}

function checkFinite(embeddings: Float32Array): void {
  const at = embeddings.findIndex((value) => !Number.isFinite(value));
  if (at === -1) return;
  throw new LodestoneError(
    'NumericalDivergence',
    `embeddings: got ${embeddings[at]} at position ${at}, every number must be finite. Lower the learning rate.`,
  );
}

function withoutPart(objective: string, part: string): LodestoneError {
  return new LodestoneError(
    'Unexpected',
    `evaluation: ${objective} came without ${part}. This is a fault in lodestone; please report it.`,
  );
}
