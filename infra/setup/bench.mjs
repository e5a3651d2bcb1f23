/**
 * Runs programs of bench/ from the build:
 *   npm run bench                          every bench/*.bench.ts, in order
 *   npm run bench -- NAME … [--option …]   those called NAME.bench.ts, each with the options
 *   npm run bench -- NAME [argument …]     the one program NAME.ts, with all that follows
 * Goes on after a bench that fails, and ends with the first bad exit code. `--without-peers` installs and measures none.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pythonForBench } from './bench-peers.mjs';
import { main } from './main.mjs';
import { projectRoot } from './paths.mjs';
import { interruption, runForeground } from './process.mjs';
import { Progress } from './progress.mjs';
import { setUp } from './steps.mjs';

const compiled = join(projectRoot, 'dist/bench');
const WITHOUT_PEERS = '--without-peers';

await main(async () => {
  await setUp('stack');
  const words = process.argv.slice(2);
  if (words.length > 0 && existsSync(join(compiled, `${words[0]}.js`))) return start(`${words[0]}.js`, words.slice(1));

  const firstOption = words.findIndex((word) => word.startsWith('-'));
  const names = firstOption < 0 ? words : words.slice(0, firstOption);
  const options = firstOption < 0 ? [] : words.slice(firstOption);
  const progress = new Progress();
  let exitCode = 0;
  for (const name of wanted(names)) {
    const python = options.includes(WITHOUT_PEERS) ? null : await pythonForBench(name, progress);
    if (interruption() !== undefined) return interruption();
    const peers = python === null ? [] : ['--python', python];
    const code = await start(`${name}.bench.js`, [...options.filter((option) => option !== WITHOUT_PEERS), ...peers]);
    if (interruption() !== undefined) return code;
    exitCode ||= code;
  }
  return exitCode;
});

function start(file, args) {
  return runForeground(process.execPath, [join(compiled, file), ...args], { cwd: projectRoot });
}

function wanted(names) {
  const all = readdirSync(compiled)
    .filter((file) => file.endsWith('.bench.js'))
    .map((file) => file.replace(/\.bench\.js$/, ''))
    .sort();
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`bench: got ${unknown.join(', ')}, must be among ${all.join(', ')}.`);
  return names.length === 0 ? all : names;
}
