import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { version } from '../../config/version';

it('is the version of package.json', () => {
  const { version: packaged } = JSON.parse(readFileSync(resolve(__dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  expect(version).toBe(packaged);
});
