/**
 * No process outlives set-up: interruption, the doubled Ctrl-C that npm passes on, foreground programs that take their
 * time, and code that has no child.
 */
import { inNode, startInNode, untilGone } from './in-node';

const tool = (command: string): string => `
  const { run, runForeground } = await import(setup('process.mjs'));
  const { main } = await import(setup('main.mjs'));
  await main(async () => { ${command} });`;

test('SIGTERM ends a tool with its own children, and the exit code says so', async () => {
  const program = startInNode(
    tool(`await run('sh', ['-c', 'sleep 600 & echo pid $!; wait'], { onLine: console.log });`),
  );
  await program.said('pid ');
  program.child.kill('SIGTERM');
  const { code, stdout, stderr } = await program.ended;
  expect(code).toBe(143);
  expect(stderr).toContain('Interrupted. What was finished is kept');
  await untilGone(Number(/pid (\d+)/.exec(stdout)?.[1]));
});

test('a tool that ignores SIGTERM is killed', async () => {
  const program = startInNode(
    tool(`await run('sh', ['-c', 'trap "" TERM; echo pid $$; while :; do sleep 1; done'], { onLine: console.log });`),
  );
  await program.said('pid ');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect(code).toBe(130);
  await untilGone(Number(/pid (\d+)/.exec(stdout)?.[1]));
});

test('after an interruption nothing is started any more', async () => {
  const program = startInNode(
    tool(`const first = run('sh', ['-c', 'echo ready; sleep 600'], { onLine: console.log }).catch(() => {});
      await first;
      await run('echo', ['started'], { onLine: console.log });`),
  );
  await program.said('ready');
  program.child.kill('SIGTERM');
  const { code, stdout } = await program.ended;
  expect(code).toBe(143);
  expect(stdout).not.toContain('started');
});

test('a foreground program gets a doubled Ctrl-C once, ends in its own time, and its exit code is ours', async () => {
  const child = `let signals = 0;
    process.on('SIGINT', () => { signals += 1; });
    console.log('up');
    setInterval(() => { if (signals > 0) setTimeout(() => { console.log('signals', signals); process.exit(7); }, 400); }, 20);`;
  const program = startInNode(tool(`return runForeground(process.execPath, ['-e', ${JSON.stringify(child)}]);`));
  await program.said('up');
  program.child.kill('SIGINT');
  program.child.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect(stdout).toContain('signals 1');
  expect(code).toBe(7);
});

test('without a child, signals keep their usual meaning', async () => {
  const program = startInNode(
    tool(`await run('true', []); console.log('idle'); setInterval(() => {}, 1000); await new Promise(() => {});`),
  );
  await program.said('idle');
  program.child.kill('SIGTERM');
  expect((await program.ended).signal).toBe('SIGTERM');
});

test('a failing tool is reported with its command line and last words', async () => {
  const { code, stderr } = await inNode(tool(`await run('sh', ['-c', 'echo the cause >&2; exit 3']);`));
  expect(code).toBe(1);
  expect(stderr).toMatch(/sh -c .*: exit code 3/);
  expect(stderr).toContain('the cause');
});

test('a tool that is not there is named', async () => {
  const { stderr } = await inNode(tool(`await run('no-such-tool', ['--version']);`));
  expect(stderr).toMatch(/no-such-tool --version: .*ENOENT/);
});

test('a full disk is called that, with how much is needed', async () => {
  const { stderr, code } = await inNode(
    tool(`await run('sh', ['-c', 'echo "write: No space left on device"; exit 1']);`),
  );
  expect(stderr).toMatch(/^disk full: /m);
  expect(stderr).toMatch(/Free some space \(set-up needs about 4 GB/);
  expect(code).toBe(1);
});
