/**
 * What a clone needs, and nothing else:
 *   npm run setup               everything
 *   npm run setup -- --worker   what `lodestone worker` needs: no server programs, so no Go
 */
import { main } from './main.mjs';
import { setUp } from './steps.mjs';

const WORKER = '--worker';

await main(() => {
  const words = process.argv.slice(2);
  const unknown = words.find((word) => word !== WORKER);
  if (unknown === undefined) return setUp(words.includes(WORKER) ? 'worker' : 'everything');
  process.stderr.write(`npm run setup: got ${unknown}, must be nothing or ${WORKER}.\n`);
  return 2;
});
