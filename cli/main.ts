/**
 * What runs when bin/lodestone.mjs hands over: this process's arguments, environment and streams go to the program.
 * Nothing else of cli/ reads them. Exit codes are those of errors.ts.
 */
import { constants } from 'node:os';
import { runProgram } from './program';

// The SDK's word about its future versions is noise here: the lock file holds one that supports this Node.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** As of a program that a closed pipe ends: who reads no more, as `head` does, wants no stack trace. */
const PIPE_CLOSED = 128 + constants.signals.SIGPIPE;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(PIPE_CLOSED);
    throw error;
  });
}

void runProgram(process.argv.slice(2), {
  variables: process.env,
  folder: process.cwd(),
  out: process.stdout,
  err: process.stderr,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
