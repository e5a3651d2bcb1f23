/**
 * What the machine lacks: each message names the thing, what was found, the rule and the way out, and set-up ends with
 * exit code 12.
 */
import { join } from 'node:path';
import { environmentWithPath, fakeProgram, inNode, temporaryFolder, type Ended } from './in-node';

const folder = temporaryFolder();

const check = (call: string, path = folder): Promise<Ended> =>
  inNode(
    `const checks = await import(setup('prerequisites.mjs'));
     const { main } = await import(setup('main.mjs'));
     await main(async () => { console.log('passed', JSON.stringify(await checks.${call}) ?? ''); });`,
    environmentWithPath(path),
  );

test.each([
  ['an old Node', `requireNode('20.18.3')`, /Node\.js: found 20\.18\.3, must be >= 20\.19/],
  ['another system', `requirePlatform('darwin', 'arm64', null)`, /platform: found darwin-arm64, must be linux-x64/],
  ['musl', `requirePlatform('linux', 'x64', null)`, /C library: found no glibc .*must be glibc >= 2\.27/],
  ['an old glibc', `requirePlatform('linux', 'x64', '2.17')`, /found glibc 2\.17/],
  ['no Python', `requirePip()`, /Python 3: no python3 on PATH.*apt install python3 python3-pip/],
  ['no compiler', `requireCompiler({})`, /C\+\+ compiler: g\+\+, clang\+\+, c\+\+ not on PATH.*set CXX/],
  [
    'a CXX that does not run',
    `requireCompiler({ CXX: '/no/such/compiler' })`,
    /\/no\/such\/compiler \(from CXX\) does not run/,
  ],
  [
    'no Go',
    `requireGo('MinIO', 'put a minio program on PATH')`,
    /Go: no go on PATH, must be >= 1\.25 to build MinIO.*go\.dev\/dl.*put a minio program on PATH/,
  ],
])('%s', async (_case, call, message) => {
  const { code, stderr, stdout } = await check(call);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('    at '); // a message, not a stack
  expect(code).toBe(12);
  expect(stdout).not.toContain('passed');
});

test('Python without pip', async () => {
  const path = fakeProgram(join(folder, 'no-pip'), 'python3', 'case "$1" in -c) echo 3.12;; *) exit 1;; esac');
  const { code, stderr } = await check('requirePip()', path);
  expect(stderr).toMatch(/pip: python3 \(3\.12\) has no module pip/);
  expect(code).toBe(12);
});

test('an old Go, and one that will do', async () => {
  const old = fakeProgram(join(folder, 'old-go'), 'go', 'echo go version go1.21.4 linux/amd64');
  expect((await check(`requireGo('Temporal', '')`, old)).stderr).toMatch(/Go: found 1\.21\.4, must be >= 1\.25/);
  const fine = fakeProgram(join(folder, 'new-go'), 'go', 'echo go version go1.25.0 linux/amd64');
  expect((await check(`requireGo('Temporal', '')`, fine)).stdout).toContain('passed');
});

test('the first compiler that runs is taken', async () => {
  const path = fakeProgram(join(folder, 'clang'), 'clang++', 'exit 0');
  expect((await check('requireCompiler({})', path)).stdout).toContain('passed "clang++"');
});

test.each([
  ['20.19.0', true],
  ['20.18.9', false],
  ['22.0.0', true],
  ['19.99.0', false],
])('Node %s passes: %s', async (version, passes) => {
  expect((await check(`requireNode('${version}')`)).code).toBe(passes ? 0 : 12);
});
