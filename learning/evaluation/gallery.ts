/** What the report shows beside figures: clusters with the images nearest to their centroids, and test images with theirs. */
import type { Evaluation } from '../../config/artifacts';
import { squaredDistance } from '../index/distance';
import type { ClusterIndex } from '../index/run-index';
import type { Neighbours } from '../readouts/neighbours';
import { histograms } from '../readouts/votes';
import { spread } from '../spread';
import { classesOf, type TrainingData } from '../training-data';
import { NEIGHBOURS_SHOWN } from './prepare';

const CLUSTERS = 48;
/** Classes shown at least, where there are as many; a class of many clusters then shows its largest. */
const CLASSES = 12;
const IMAGES = 8;
/** Of the test images told right, and of those told wrong. */
const QUERIES = 6;

const { floor, max, min, sqrt } = Math;

/** @param train float32 [train, E] */
export function clusterGallery(data: TrainingData, index: ClusterIndex, train: Float32Array): Evaluation['clusters'] {
  const { clusterClass, assignments, centroids, embeddingSize } = index;
  const members: number[][] = Array.from(clusterClass, () => []);
  assignments.forEach((cluster, row) => members[cluster].push(row));
  const { fineClasses } = data;
  const fine = fineClasses && histograms(assignments, classesOf(data, data.train, 'fine'), clusterClass.length);

  return shownClusters(clusterClass, members).map((cluster) => {
    const toCentroid = (row: number): number =>
      squaredDistance(train, row, centroids, cluster, embeddingSize, Number.POSITIVE_INFINITY);
    const nearest = members[cluster]
      .map((row) => ({ row, distance: toCentroid(row) }))
      .sort((a, b) => a.distance - b.distance || a.row - b.row)
      .slice(0, IMAGES);
    return {
      className: data.classes[clusterClass[cluster]],
      size: members[cluster].length,
      nearest: nearest.map(({ row }) => data.examples[data.train[row]].path),
      fine:
        fine === null || fineClasses === null
          ? []
          : [...fine[cluster]]
              .sort(([a, countA], [b, countB]) => countB - countA || a - b)
              .map(([id, count]) => ({ name: fineClasses[id], count })),
    };
  });
}

/**
 * @param evaluated examples
 * @param predicted int32 [evaluated]
 * @param neighbours of the evaluated among training examples
 */
export function neighbourGallery(
  data: TrainingData,
  evaluated: readonly number[],
  predicted: Int32Array,
  { count, references, distances }: Neighbours,
): Evaluation['neighbours'] {
  const rows = evaluated.map((_, row) => row);
  const isRight = (row: number): boolean => predicted[row] === data.examples[evaluated[row]].classId;
  const shown = [true, false].flatMap((right) =>
    spread(
      rows.filter((row) => isRight(row) === right),
      QUERIES,
    ),
  );
  return shown.map((row) => {
    const { path, classId } = data.examples[evaluated[row]];
    const nearest = Array.from({ length: min(NEIGHBOURS_SHOWN, count) }, (_, i) => {
      const near = data.examples[data.train[references[row * count + i]]];
      return { path: near.path, className: data.classes[near.classId], distance: sqrt(distances[row * count + i]) };
    });
    return { path, className: data.classes[classId], right: isRight(row), nearest };
  });
}

/** At most `CLUSTERS`, class by class: of classes spread evenly over all, the largest clusters. */
function shownClusters(clusterClass: Int32Array, members: readonly (readonly number[])[]): number[] {
  const ofClass = new Map<number, number[]>();
  clusterClass.forEach((classId, cluster) => ofClass.set(classId, [...(ofClass.get(classId) ?? []), cluster]));
  const most = max(...[...ofClass.values()].map((clusters) => clusters.length));
  const classes = spread([...ofClass.keys()], max(CLASSES, floor(CLUSTERS / most)));
  const perClass = floor(CLUSTERS / classes.length);
  return classes.flatMap((classId) =>
    (ofClass.get(classId) ?? []).sort((a, b) => members[b].length - members[a].length || a - b).slice(0, perClass),
  );
}
