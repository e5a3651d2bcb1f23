/** `npm test`: set-up, then every test. What stands after `--` goes to Jest; counts land in .lodestone/test-results.json. */
import { join } from 'node:path';
import { isolatedEnvironment } from './environment.mjs';
import { main } from './main.mjs';
import { projectRoot, stateRoot } from './paths.mjs';
import { runForeground } from './process.mjs';
import { setUp } from './steps.mjs';

await main(async () => {
  await setUp('everything');
  const results = ['--json', `--outputFile=${join(stateRoot, 'test-results.json')}`];
  const command = [join(projectRoot, 'node_modules/jest/bin/jest.js'), ...results, ...process.argv.slice(2)];
  return runForeground(process.execPath, command, { cwd: projectRoot, env: isolatedEnvironment(process.env) });
});
