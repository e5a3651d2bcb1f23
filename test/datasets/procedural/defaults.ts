/** The procedural set as a user gets it who asks for nothing. */
import { DataSource } from '../../../config/workflow-input';
import type { SpeciesOptions } from '../../../datasets/procedural/species';

const source = DataSource.parse({ type: 'species' });
if (source.type !== 'species') throw new Error('the schema gave another source');
export const speciesDefaults: SpeciesOptions = source;
