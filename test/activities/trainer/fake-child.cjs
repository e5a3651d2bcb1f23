/**
 * A trainer child that computes nothing: a work's scratch field is a list of instructions to it.
 */
let committed = 0;
let found = false;
process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  if (message.type === 'committed') committed++;
  if (message.type === 'found') found = message.request === 1 && message.found.tensors === 'a path';
  if ('load' in message) void perform(message);
});

async function perform({ id, scratch }) {
  for (const instruction of scratch.split(' ')) {
    const [what, argument] = instruction.split('=');
    if (what === 'doing') process.send({ type: 'doing', id, activity: argument });
    if (what === 'step') process.send({ type: 'stepped', id, globalStep: Number(argument) });
    if (what === 'checkpoint') process.send({ type: 'checkpoint', id, state: { sequence: Number(argument) } });
    if (what === 'done') process.send({ type: 'done', id, result: { type: 'trained', outcome: 'finished' } });
    if (what === 'fail') process.send({ type: 'failed', id, kind: argument, message: 'made to fail', facts: {} });
    if (what === 'die') process.kill(process.pid, 'SIGKILL');
    if (what === 'find') process.send({ type: 'find', id, request: 1, part: Number(argument), bring: true });
    while (what === 'find' && !found) await new Promise((resolve) => setTimeout(resolve, 5));
    while (what === 'committed' && committed < Number(argument)) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

if (process.env['FAKE_CHILD_HANGS'] === undefined) process.send({ type: 'ready', fingerprint: {} });
