/** `npm run build`: dist/ from the sources, when they changed. */
import { build } from './build.mjs';
import { main } from './main.mjs';

await main(async () => {
  const built = await build({ say: (text) => process.stdout.write(`${text}\n`) });
  process.stdout.write(built ? 'dist/ is built\n' : 'dist/ is up to date\n');
});
