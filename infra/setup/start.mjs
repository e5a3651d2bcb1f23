/**
 * `npm start`: set-up, then the demo on the local stack, which has ended when this does, unless somebody else holds it. What
 * stands after `--` goes to `lodestone demo`.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isolatedEnvironment } from './environment.mjs';
import { main } from './main.mjs';
import { projectRoot } from './paths.mjs';
import { runForeground } from './process.mjs';
import { setUp } from './steps.mjs';

await main(async () => {
  await setUp('stack');
  const command = [join(projectRoot, 'bin/lodestone.mjs'), 'demo', ...process.argv.slice(2)];
  const env = isolatedEnvironment(process.env);
  const code = await runForeground(process.execPath, command, { cwd: projectRoot, env });
  const built = createRequire(join(projectRoot, 'dist/'));
  await built('./infra/stack/client.js').untilUnheldEnds(built('./cli/settings.js').stackFolder(env));
  return code;
});
