/** The workflow types that a worker serves, by the names that clients start them by. */
export { trainPipeline } from './train-pipeline';
export { compareObjectives } from './compare-objectives';
export { hierarchyRecovery } from './hierarchy-recovery';
