/**
 * Figures and terms as the pages print them: one spelling each, the same on every machine and in every locale.
 */
import { type Readout } from '../../config/artifacts';
import { type ObjectiveName } from '../../config/objective';
import { type Recipe } from '../../config/recipe';

/** A share in [0, 1] as percent with one decimal; a dash where there is none. */
export function percent(share: number | null): string {
  return share === null ? '–' : `${(share * 100).toFixed(1)} %`;
}

/** 116236 → 116,236 */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export const objectiveTitles: Readonly<Record<ObjectiveName, string>> = {
  softmax: 'Softmax',
  triplet: 'Triplet',
  magnet: 'Magnet',
};

/** Title and meaning of each read-out. */
export const readoutTerms: Readonly<Record<Readout['name'], { readonly title: string; readonly means: string }>> = {
  'softmax-head': { title: 'Softmax head', means: 'the classifier that was trained with the embedding' },
  knc: { title: 'kNC', means: 'votes of the nearest centroids (eq. 6)' },
  'soft-knn': { title: 'soft-kNN', means: 'votes of the nearest training images, weighted by distance' },
  'soft-knn-plain': { title: 'soft-kNN, nothing chosen', means: 'the same with τ = 1 on raw embeddings' },
  'knc-refit': { title: 'kNC, refitted', means: 'centroids fitted anew inside each fine class' },
  'knc-histogram': { title: 'kNC, histograms', means: 'each centroid votes with the fine labels of its members' },
  'one-nn': { title: '1-NN', means: 'the class of the single nearest training image' },
};

/** What was chosen on validation, in words. */
export function settingText(setting: Readout['setting']): string {
  if (setting === null) return '–';
  const space = setting.normalised ? 'L2-normalised' : 'raw embeddings';
  return setting.temperature === null ? space : `${space}, τ = ${setting.temperature}`;
}

/** Images of one training step of the objective under the recipe. */
export function imagesPerStep(recipe: Recipe, objective: ObjectiveName): number {
  switch (objective) {
    case 'softmax':
      return recipe.softmax.batchSize;
    case 'triplet':
      return 3 * recipe.triplet.triplets;
    case 'magnet':
      return recipe.magnet.clustersPerBatch * recipe.magnet.examplesPerCluster;
  }
}
