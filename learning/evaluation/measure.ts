/**
 * All read-outs of one split for one kind of labels (METHOD §4). As trained: the network's head, kNC, soft-kNN and 1-NN.
 * Fine: soft-kNN and 1-NN over training embeddings that carry fine labels, clusters fitted anew per fine class, and the
 * run's centroids voting with their members' fine labels.
 */
import type { Readout } from '../../config/artifacts';
import type { EvaluationRequest } from '../evaluation';
import { buildRefitIndex } from '../index/cluster';
import type { ClusterIndex } from '../index/run-index';
import { firstColumns, nearestNeighbours, type Neighbours } from '../readouts/neighbours';
import { givenScores, outcomeOf, type Outcome, type Scores } from '../readouts/scores';
import { chooseSoftKnn, unchosenSetting, type SoftKnnSetting } from '../readouts/soft-knn';
import { histogramBallots, singleBallots, votedScores, type Ballots } from '../readouts/votes';
import { classesOf } from '../training-data';
import { clustersPerClassOf, kncScale, type Prepared, type Split } from './prepare';

export type Labels = Readout['labels'];

export interface Measured {
  readonly readout: Readout;
  /** int32, the class that each example is taken for; −1 where none has votes. */
  readonly predicted: Outcome['predicted'];
}

interface Candidate {
  readonly name: Readout['name'];
  readonly setting: SoftKnnSetting | null;
  readonly scores: Scores;
}

export function measure(request: EvaluationRequest, prepared: Prepared, kind: Labels, split: Split): Measured[] {
  const { data } = request;
  const truth = classesOf(data, data[split], kind);
  const candidates =
    kind === 'trained' ? trainedReadouts(request, prepared, split) : fineReadouts(request, prepared, split);
  return [...candidates, ...neighbourReadouts(request, prepared, kind, split)].map(({ name, setting, scores }) => {
    const { error1, error5, predicted } = outcomeOf(scores, truth);
    return { readout: { name, labels: kind, setting, split, error1, error5 }, predicted };
  });
}

function trainedReadouts(request: EvaluationRequest, prepared: Prepared, split: Split): Candidate[] {
  const { data, runningVariance } = request;
  const { clusters } = prepared;
  const classes = data.classes.length;
  const head = request.headScores(prepared.rowsOf(split));
  const knc = votedScores(
    nearestCentroids(request, prepared, clusters, split),
    singleBallots(clusters.clusterClass, classes),
    kncScale(clusters, runningVariance),
  );
  return [
    ...(head === null ? [] : [{ name: 'softmax-head' as const, setting: null, scores: givenScores(head, classes) }]),
    { name: 'knc', setting: null, scores: knc },
  ];
}

function fineReadouts(request: EvaluationRequest, prepared: Prepared, split: Split): Candidate[] {
  const { data, embeddingSize, seed, runningVariance } = request;
  const { clusters, train } = prepared;
  const fineClassNames = data.fineClasses ?? [];
  const fineClasses = classesOf(data, data.train, 'fine');
  const clustersPerClass = clustersPerClassOf(request);
  const refit = buildRefitIndex({
    embeddings: train,
    embeddingSize,
    fineClasses,
    fineClassNames,
    clustersPerClass,
    seed,
  });
  const histogram = histogramBallots(
    clusters.assignments,
    fineClasses,
    clusters.clusterClass.length,
    fineClassNames.length,
  );
  return [
    {
      name: 'knc-refit',
      setting: null,
      scores: votedScores(
        nearestCentroids(request, prepared, refit, split),
        singleBallots(refit.clusterClass, fineClassNames.length),
        kncScale(refit, null),
      ),
    },
    {
      name: 'knc-histogram',
      setting: null,
      scores: votedScores(
        nearestCentroids(request, prepared, clusters, split),
        histogram,
        kncScale(clusters, runningVariance),
      ),
    },
  ];
}

function neighbourReadouts(request: EvaluationRequest, prepared: Prepared, kind: Labels, split: Split): Candidate[] {
  const { data, evaluation } = request;
  const classes = (kind === 'trained' ? data.classes : (data.fineClasses ?? [])).length;
  const ballots = singleBallots(classesOf(data, data.train, kind), classes);
  const voters = (neighbours: Neighbours): Neighbours => firstColumns(neighbours, evaluation.neighbours);
  const setting = settingFor(request, prepared, kind, ballots);
  const [asTheyAre] = prepared.spaces;
  const space = prepared.spaces.find(({ normalised }) => normalised === setting.normalised) ?? asTheyAre;
  return [
    {
      name: 'soft-knn',
      setting,
      scores: votedScores(voters(space.nearest(split)), ballots, 2 * setting.temperature * space.variance),
    },
    {
      name: 'soft-knn-plain',
      setting: null,
      scores: votedScores(voters(asTheyAre.nearest(split)), ballots, 2 * asTheyAre.variance),
    },
    {
      name: 'one-nn',
      setting: null,
      scores: votedScores(firstColumns(asTheyAre.nearest(split), 1), ballots, 2 * asTheyAre.variance),
    },
  ];
}

/** The same rule for every objective: given, or the best on validation for these labels, or the one that needs no choice. */
function settingFor(
  { data, evaluation }: EvaluationRequest,
  { spaces }: Prepared,
  kind: Labels,
  ballots: Ballots,
): SoftKnnSetting {
  if (evaluation.softKnn !== null) return evaluation.softKnn;
  if (data.validation.length === 0) return unchosenSetting;
  const tried = spaces.map((space) => ({
    normalised: space.normalised,
    variance: space.variance,
    validation: firstColumns(space.nearest('validation'), evaluation.neighbours),
  }));
  return chooseSoftKnn(tried, evaluation.temperatures, ballots, classesOf(data, data.validation, kind));
}

function nearestCentroids(
  { embeddingSize, evaluation }: EvaluationRequest,
  prepared: Prepared,
  { centroids }: ClusterIndex,
  split: Split,
): Neighbours {
  const queries = prepared.rowsOf(split);
  const { neighbours: count, productMiB } = evaluation;
  return nearestNeighbours({ queries, references: centroids, embeddingSize, count, productMiB });
}
