/** What training costs in images, by which objectives are compared fairly. */
import { type ObjectiveName } from '../../config/objective';
import { type Recipe } from '../../config/recipe';

/** Images that so many steps of the objective look at, an image as often as it is drawn. */
export function imagesSeen(recipe: Recipe, objective: ObjectiveName, steps: number): number {
  switch (objective) {
    case 'softmax':
      return steps * recipe.softmax.batchSize;
    case 'triplet':
      return steps * 3 * recipe.triplet.triplets;
    case 'magnet':
      return steps * recipe.magnet.clustersPerBatch * recipe.magnet.examplesPerCluster;
  }
}
