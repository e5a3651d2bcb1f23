/** `npm start`: set-up, then the demo on the local stack. What stands after `--` goes to `lodestone demo`. */
import { join } from 'node:path';
import { isolatedEnvironment } from './environment.mjs';
import { main } from './main.mjs';
import { projectRoot } from './paths.mjs';
import { runForeground } from './process.mjs';
import { setUp } from './steps.mjs';

await main(async () => {
  await setUp({ alternatives: false });
  const command = [join(projectRoot, 'bin/lodestone.mjs'), 'demo', ...process.argv.slice(2)];
  return runForeground(process.execPath, command, { cwd: projectRoot, env: isolatedEnvironment(process.env) });
});
