/**
 * Runs programs of bench/ from the build: `node bench.mjs` every bench/*.bench.ts in order, `node bench.mjs NAME …` the
 * one called NAME/main.ts, NAME.ts or NAME.bench.ts with the arguments that follow. Ends with the first bad exit code.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { main } from './main.mjs';
import { projectRoot } from './paths.mjs';
import { runForeground } from './process.mjs';
import { setUp } from './steps.mjs';

await main(async () => {
  await setUp({ alternatives: false });
  const [name, ...args] = process.argv.slice(2);
  const compiled = join(projectRoot, 'dist/bench');
  for (const file of name === undefined ? allBenches(compiled) : [oneBench(compiled, name)]) {
    const exitCode = await runForeground(process.execPath, [join(compiled, file), ...args], { cwd: projectRoot });
    if (exitCode !== 0) return exitCode;
  }
  return 0;
});

function allBenches(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.bench.js'))
    .sort();
}

function oneBench(folder, name) {
  const file = [`${name}/main.js`, `${name}.js`, `${name}.bench.js`].find((candidate) =>
    existsSync(join(folder, candidate)),
  );
  if (file === undefined)
    throw new Error(
      `bench: no bench/${name}/main.ts, bench/${name}.ts nor bench/${name}.bench.ts; there is: ${allBenches(folder).join(', ')}`,
    );
  return file;
}
