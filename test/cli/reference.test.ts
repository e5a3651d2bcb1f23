import { join } from 'node:path';
import { stalePages } from '../../cli/commands/reference';
import { contextOf } from '../../cli/context';
import { createProgram } from '../../cli/program';
import { referencePages } from '../../cli/reference';
import { projectRoot } from '../../cli/settings';
import { failures } from '../../errors';
import { captured } from './support';

const program = createProgram(contextOf(captured('/nowhere')), () => undefined);

test('docs/reference is what the schemas and the commands say: npx lodestone reference --write', () => {
  expect(stalePages(program, join(projectRoot, 'docs/reference')).map(([name]) => name)).toEqual([]);
});

test('every failure, every command and fields at every depth are there; hidden commands are not', () => {
  const pages = referencePages(program);
  for (const kind of Object.keys(failures)) expect(pages['errors.md']).toContain(`\`${kind}\``);
  for (const words of ['run <data>', 'dev up', 'data synth <folder>', 'worker', 'extend <run> <epochs>'])
    expect(pages['cli.md']).toContain(`## \`lodestone ${words}\``);
  for (const field of [
    'epochs',
    'magnet.clustersPerClass',
    'optimizer.momentum',
    'data.validation.groupBy',
    'source.path',
  ])
    expect(pages['recipe.md']).toContain(`| \`${field}\` |`);
  expect(pages['cli.md']).not.toContain('lodestone reference`');
});
