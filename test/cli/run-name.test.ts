import * as fc from 'fast-check';
import { derivedName, givenName, nameAgain } from '../../cli/run-name';
import { Recipe } from '../../config/recipe';
import { RunName, type DataSource } from '../../config/workflow-input';

const recipe = Recipe.parse({});
const photos: DataSource = { type: 'folder', path: '/data/My Photos' };

test('any folder makes a name that workflow ids and keys allow', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 120 }),
      fc.constantFrom('run', 'compare', 'recover'),
      (name, kind) => {
        const made = derivedName({ data: { type: 'folder', path: `/data/${name}` }, recipe, kind });
        expect(RunName.safeParse(made).success).toBe(true);
        expect(RunName.safeParse(nameAgain(made, 12)).success).toBe(true);
      },
    ),
    { seed: 1 },
  );
});

test('the name says folder and objective, or the kind of run', () => {
  expect(derivedName({ data: photos, recipe, kind: 'run' })).toMatch(/^my-photos-magnet-[0-9a-f]{8}$/);
  expect(derivedName({ data: photos, recipe, kind: 'compare' })).toMatch(/^my-photos-compare-[0-9a-f]{8}$/);
});

test('the same configuration has the same name; what decides a result changes it, how often it is saved does not', () => {
  const name = derivedName({ data: photos, recipe, kind: 'run' });
  expect(derivedName({ data: photos, recipe: { ...recipe, checkpointSeconds: 1 }, kind: 'run' })).toBe(name);
  expect(derivedName({ data: photos, recipe: { ...recipe, seed: 2 }, kind: 'run' })).not.toBe(name);
  expect(derivedName({ data: { type: 'folder', path: '/other/My Photos' }, recipe, kind: 'run' })).not.toBe(name);
  expect(derivedName({ data: photos, recipe, kind: 'run', also: ['softmax'] })).not.toBe(name);
});

test('training anew counts on', () => {
  expect(nameAgain('photos-magnet-1a2b3c4d', 2)).toBe('photos-magnet-1a2b3c4d-2');
});

test('a name that was given is checked', () => {
  expect(givenName('groceries')).toBe('groceries');
  expect(() => givenName('My Run')).toThrow(/"My Run"; must be lower-case letters, digits and -/);
  expect(() => givenName('a'.padEnd(64, 'c'))).toThrow(/at most 63/);
});

test('a name that was given cannot pass for one of the runs of a comparison', () => {
  expect(() => givenName('my--photos')).toThrow(/"my--photos"; must not contain --.*Use a single -/);
  expect(givenName('my-photos-')).toBe('my-photos-');
  expect(nameAgain('my-photos-', 2)).toBe('my-photos-2');
});
