import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseRecipe, parseAssignment, recipeNames, type RecipeChoice } from '../../cli/recipe-file';
import { recipesFolder } from '../../cli/settings';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'lodestone-recipe-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const choose = (choice: Partial<RecipeChoice>) =>
  chooseRecipe({ recipe: null, flags: {}, set: [], ...choice }, { folder, recipes: recipesFolder });

describe('merging', () => {
  test('a file is less than a flag, a flag less than --set, the last --set wins', () => {
    writeFileSync(join(folder, 'mine.yaml'), 'epochs: 3\nseed: 3\nmagnet: { alpha: 3, clustersPerClass: 9 }\n');
    const { recipe } = choose({
      recipe: 'mine.yaml',
      flags: { epochs: 4, seed: 4 },
      set: ['seed=5', 'magnet.alpha=5', 'magnet.alpha=6'],
    });
    expect([recipe.epochs, recipe.seed, recipe.magnet.alpha, recipe.magnet.clustersPerClass]).toEqual([4, 5, 6, 9]);
  });

  test('values of --set are YAML, with their types', () => {
    expect(parseAssignment('a.b=0.5').value).toBe(0.5);
    expect(parseAssignment('a=true').value).toBe(true);
    expect(parseAssignment('a=null').value).toBeNull();
    expect(parseAssignment('a=x=y').value).toBe('x=y');
    expect(parseAssignment('a={type: column, values: [1, "2"]}').value).toEqual({ type: 'column', values: [1, '2'] });
  });

  test('choosing a type of a union sets the rest by its defaults', () => {
    expect(choose({ set: ['optimizer.type=momentum'] }).recipe.optimizer).toEqual({ type: 'momentum', momentum: 0.9 });
  });

  test('a folder that a recipe names lies beside the recipe', () => {
    writeFileSync(join(folder, 'with-data.yaml'), 'source: { type: folder, path: photos }\n');
    const { folder: place, recipes } = { folder: '/elsewhere', recipes: recipesFolder };
    const { source } = chooseRecipe(
      { recipe: join(folder, 'with-data.yaml'), flags: {}, set: [] },
      { folder: place, recipes },
    );
    expect(source).toEqual({ type: 'folder', path: join(folder, 'photos') });
  });

  test('a key named __proto__ is a key like any other, and unknown', () => {
    expect(() => choose({ set: ['__proto__.epochs=3'] })).toThrow(/there is no such key/);
    expect(({} as { epochs?: number }).epochs).toBeUndefined();
  });
});

describe('what is wrong names the thing, the value and the way out', () => {
  test.each<[string, Partial<RecipeChoice>, RegExp]>([
    ['an unknown key', { set: ['magnet.alfa=1'] }, /magnet\.alfa: there is no such key\. Did you mean alpha\?/],
    ['an unknown recipe', { recipe: 'dem' }, /got dem, .*Did you mean demo\?/],
    ['a missing file', { recipe: './none.yaml' }, /there is no file .*none\.yaml/],
    ['a value out of bounds', { set: ['magnet.examplesPerCluster=1'] }, /got 1; must be >= 2: a lone example/],
    ['no equals sign', { set: ['epochs'] }, /got "epochs", must be key=value/],
    ['no YAML', { set: ['data.validation={type'] }, /--set data\.validation: got "\{type"/],
    [
      'a field below a number',
      { set: ['epochs.more=1'], flags: { epochs: 3 } },
      /epochs is 3, which has no fields below it/,
    ],
  ])('%s', (_, choice, message) => {
    expect(() => choose(choice)).toThrow(message);
  });

  test('a file that is no YAML is named', () => {
    writeFileSync(join(folder, 'broken.yaml'), 'epochs: [3\n');
    expect(() => choose({ recipe: 'broken.yaml' })).toThrow(/broken\.yaml: cannot be read as YAML/);
  });
});

test.each(recipeNames(recipesFolder))('recipes/%s.yaml is a whole recipe', (name) => {
  expect(choose({ recipe: name }).recipe.epochs).toBeGreaterThan(0);
});

test('recipes/ holds the ones that the documentation names', () => {
  expect(recipeNames(recipesFolder)).toEqual(expect.arrayContaining(['demo', 'quick', 'omniglot-pairs', 'fruits']));
});
