/**
 * How the programs of set-up end: the exit code, and one message instead of a stack for what a person can mend.
 * Exit codes: 0 done; 1 a step failed; 2 a word that it does not know; 12 the machine lacks something, the message says what (as in docs/reference/errors.md); 130, 143 interrupted.
 */
import { MissingPrerequisite } from './prerequisites.mjs';
import { CommandFailed, interruption } from './process.mjs';

/** Runs `work`, which may return an exit code. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    process.exitCode = interruption() ?? (error instanceof MissingPrerequisite ? 12 : 1);
    process.stderr.write(`\n${describe(error)}\n`);
  }
}

function describe(error) {
  if (interruption() !== undefined)
    return 'Interrupted. What was finished is kept; the same command goes on from there.';
  if (error instanceof MissingPrerequisite) return error.message;
  if (error.code === 'ENOSPC' || /No space left on device|ENOSPC/.test(error.message))
    return `disk full: ${error.message}\nFree some space (set-up needs about 4 GB in the user cache, node_modules and Go's cache together) and run the same command again.`;
  if (error instanceof CommandFailed)
    return `${error.message}\n\nStopped there. Mend the cause and run the same command again; what was finished is kept.`;
  return error.stack;
}
