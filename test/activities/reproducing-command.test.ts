/** The command of a page, as a shell and the program read it: it asks for the run that the page is about. */
import { execFileSync } from 'node:child_process';
import { reproducingCommand } from '../../activities/reproducing-command';
import { compareRequest, runRequest } from '../../cli/commands/requests';
import { parseAssignment } from '../../cli/recipe-file';
import { Recipe } from '../../config/recipe';
import { DataSource } from '../../config/workflow-input';

/** Its words, as a shell hands them on. */
function wordsOf(command: string): string[] {
  const script = `for word in ${command}; do printf '%s\\0' "$word"; done`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

/** What follows each `--set`. */
function settingsOf(words: readonly string[]): string[] {
  return words.flatMap((word, i) => (word === '--set' ? [words[i + 1]] : []));
}

const species = DataSource.parse({ type: 'species', seed: 3 });
const elsewhere = { folder: '/nowhere', dataIsLocal: false };

it('names only what differs from the defaults, quoted for a shell', () => {
  const recipe = Recipe.parse({ data: { label: "top's" }, epochs: 5, objective: 'softmax' });
  expect(reproducingCommand('run', { type: 'folder', path: '/a b' }, recipe)).toBe(
    `npx lodestone run '/a b' --set 'data.label=top'\\''s' --set objective=softmax --set epochs=5`,
  );
});

it('a comparison names its objectives instead of one', () => {
  const recipe = Recipe.parse({ objective: 'triplet' });
  expect(reproducingCommand('compare', { type: 'folder', path: '/a' }, recipe, ['softmax', 'magnet'])).toBe(
    'npx lodestone compare /a --objectives softmax,magnet',
  );
});

it('what decides no result is left out', () => {
  const recipe = Recipe.parse({ profile: true, checkpointSeconds: 7 });
  expect(reproducingCommand('run', { type: 'folder', path: '/a' }, recipe)).toBe('npx lodestone run /a');
});

const texts = [
  '2024',
  '1e3',
  '0x10',
  'no',
  'true',
  'null',
  '~',
  ' a',
  'a: b',
  '[a]',
  '#a',
  'a #b',
  '!a',
  '*a',
  '"',
  "'",
];
it.each([...texts, "it's", 'a\nb', '$HOME', '`id`', '\\', 'größe', '%', '-', '2024-01-01'])(
  'a text comes back as it was: %j',
  (text) => {
    const recipe = Recipe.parse({
      data: { label: 'kind', splitColumn: text, table: `${text}.csv` },
    });
    const words = wordsOf(reproducingCommand('run', { type: 'folder', path: '/a' }, recipe));
    expect(words.slice(0, 4)).toEqual(['npx', 'lodestone', 'run', '/a']);
    const { request } = runRequest(words[3], { set: settingsOf(words) }, elsewhere);
    expect(request.input).toMatchObject({ recipe, data: { type: 'folder', path: '/a' } });
  },
);

it.each([
  { optimizer: { type: 'adam', beta1: 0.8 } },
  { optimizer: { type: 'momentum' } },
  { data: { validation: { type: 'column', column: 'year', values: ['2024', 'no'] } } },
  { data: { validation: { type: 'fraction', fraction: 0.25 } } },
  { evaluation: { softKnn: { normalised: true, temperature: 0.5 }, temperatures: [1] }, stepsPerEpoch: 7 },
])('a choice comes back whole: %j', (written) => {
  const recipe = Recipe.parse(written);
  const words = wordsOf(reproducingCommand('compare', species, recipe));
  expect(words[3]).toBe('species:3');
  const { request } = compareRequest(words[3], { set: settingsOf(words) }, elsewhere);
  expect(request.input).toMatchObject({ recipe, data: species });
});

it('a procedural set that no argument names is drawn as a folder first, from all that makes it', () => {
  const data = DataSource.parse({ type: 'species', seed: 5, imagesPerSpecies: 30, size: 32 });
  const [synth, run] = reproducingCommand('run', data, Recipe.parse({ epochs: 5 }))
    .split(' && ')
    .map(wordsOf);
  expect(synth.slice(0, 4)).toEqual(['npx', 'lodestone', 'data', 'synth']);
  const chosen = settingsOf(synth)
    .map(parseAssignment)
    .map(({ path, value }) => [path, value]);
  expect(DataSource.parse({ type: 'species', ...Object.fromEntries(chosen) })).toEqual(data);
  expect(run).toEqual(['npx', 'lodestone', 'run', synth[4], '--set', 'epochs=5']);
});
