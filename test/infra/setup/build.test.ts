/**
 * dist/ in a small project of its own: built when a source changed and only then, whole or not at all, once at a time.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNode, startInNode, temporaryFolder, type Ended } from './in-node';

const projectRoot = join(__dirname, '../../..');
const root = temporaryFolder();
const dist = join(root, 'dist');

const buildScript = `
  const { build, buildIsCurrent } = await import(setup('build.mjs'));
  const root = ${JSON.stringify(root)};
  const built = await build({ root, say: (text) => console.log(text) });
  console.log(JSON.stringify({ built, current: buildIsCurrent(root) }));`;

async function build(): Promise<Ended & { built: boolean; current: boolean }> {
  const ended = await inNode(buildScript);
  const last: unknown = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '');
  return { ...ended, ...(last as { built: boolean; current: boolean }) };
}

beforeAll(() => {
  for (const file of ['package.json', 'package-lock.json', 'tsconfig.build.json'])
    copyFileSync(join(projectRoot, file), join(root, file));
  symlinkSync(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  writeFileSync(
    join(root, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, noEmit: true, types: [] },
    }),
  );
  mkdirSync(join(root, 'cli'));
  writeFileSync(join(root, 'errors.ts'), 'export const answer: number = 42;\n');
  writeFileSync(join(root, 'cli/main.ts'), `import { answer } from '../errors';\nexport const said = answer;\n`);
  rmSync(dist, { recursive: true, force: true });
});

test('two at once: one builds, the other waits and finds it built', async () => {
  const first = startInNode(buildScript);
  await first.said('compiling');
  const second = startInNode(buildScript);
  await second.said('another build is under way');
  const [one, two] = await Promise.all([first.ended, second.ended]);
  expect(one.stdout).toContain('{"built":true,"current":true}');
  expect(two.stdout).toContain('{"built":false,"current":true}');
  expect(readFileSync(join(dist, 'cli/main.js'), 'utf8')).toContain('errors');
});

test('nothing is built when nothing changed', async () => {
  expect((await build()).built).toBe(false);
});

test('a changed, an added and a deleted source each make it stale; what lost its source leaves dist/', async () => {
  writeFileSync(join(root, 'cli/added.ts'), 'export const added = true;\n');
  expect(await build()).toMatchObject({ built: true, current: true });
  expect(existsSync(join(dist, 'cli/added.js'))).toBe(true);

  rmSync(join(root, 'cli/added.ts'));
  expect(await build()).toMatchObject({ built: true, current: true });
  expect(existsSync(join(dist, 'cli/added.js'))).toBe(false);
  expect(existsSync(join(dist, 'cli/added.js.map'))).toBe(false);
});

test('a build killed half way is not taken for whole: the next one starts from an empty dist/', async () => {
  writeFileSync(join(root, 'errors.ts'), 'export const answer: number = 43;\n');
  const killed = startInNode(buildScript);
  await killed.said('compiling');
  killed.child.kill('SIGKILL');
  await killed.ended;
  expect(existsSync(join(dist, '.building'))).toBe(true);
  writeFileSync(join(dist, 'half-written.js'), 'export const');

  expect(await build()).toMatchObject({ built: true, current: true });
  expect(existsSync(join(dist, 'half-written.js'))).toBe(false);
  expect(readFileSync(join(dist, 'errors.js'), 'utf8')).toContain('43');
});

test('a syntax error fails the build with file and line, and stays stale', async () => {
  writeFileSync(join(root, 'errors.ts'), 'export const answer: = 43;\n');
  const failed = await inNode(buildScript);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toMatch(/errors\.ts\(1,\d+\): error/);
  writeFileSync(join(root, 'errors.ts'), 'export const answer: number = 44;\n');
  expect(await build()).toMatchObject({ built: true, current: true });
});
