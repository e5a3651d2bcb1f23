import { Recipe } from '../../config/recipe';
import { reproducingCommand } from '../../activities/reproducing-command';

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
