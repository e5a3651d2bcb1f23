/**
 * Makes docs/results.md through the product itself: each trial is a `lodestone` command, run to its end, its figures taken
 * from the JSON that it prints. Nothing in that page is typed by hand. Finished runs are found again, so an interrupted
 * making goes on where it was.
 *
 *   npm run results [-- group …]      a group that was not asked for keeps its last figures
 */
import { measureDemo, measureGenerator } from './demo';
import { fruits, groceryPairs, measureFixed, measurePrecision, omniglotFine, omniglotPairs } from './fixed-settings';
import { keep, type Measured } from './page';
import { lodestone } from './product';

interface Group {
  readonly title: string;
  readonly measure: () => Measured;
}

const groups: Readonly<Record<string, Group>> = {
  demo: { title: 'Procedural species: 3 coarse classes trained, 48 species recovered', measure: measureDemo },
  generator: { title: 'Procedural species: how hard the set is', measure: measureGenerator },
  fruits: {
    title: 'fruits360_3body: 3 coarse classes trained, 65 varieties recovered',
    measure: () => measureFixed(fruits),
  },
  'omniglot-pairs': {
    title: 'omniglot_small: characters paired at random, recovered',
    measure: () => measureFixed(omniglotPairs),
  },
  'grocery-pairs': {
    title: 'grocery: products paired at random, recovered',
    measure: () => measureFixed(groceryPairs),
  },
  'omniglot-fine': {
    title: 'omniglot_small: plain classification of 242 characters',
    measure: () => measureFixed(omniglotFine),
  },
  bf16: {
    title: 'Magnet computed in bfloat16',
    measure: () => measurePrecision([fruits, groceryPairs, omniglotFine]),
  },
};
const names = Object.keys(groups);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((group) => !names.includes(group));
if (unknown.length > 0) {
  console.error(`results: got the group ${unknown.join(', ')}, must be among ${names.join(', ')}.`);
  process.exit(2);
}

lodestone(['dev', 'up']);
try {
  for (const name of names.filter((group) => wanted.length === 0 || wanted.includes(group)))
    keep(name, groups[name].title, groups[name].measure(), names);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  lodestone(['dev', 'down']);
}
