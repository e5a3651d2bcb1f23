/** `npm run setup`: everything a clone needs, and nothing else. */
import { main } from './main.mjs';
import { setUp } from './steps.mjs';

await main(() => setUp({ alternatives: true }));
