/**
 * What runs when bin/lodestone.mjs hands over: this process's arguments, environment and streams go to the program.
 * Nothing else of cli/ reads them. Exit codes are those of errors.ts.
 */
import { runProgram } from './program';

void runProgram(process.argv.slice(2), {
  variables: process.env,
  folder: process.cwd(),
  out: process.stdout,
  err: process.stderr,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
