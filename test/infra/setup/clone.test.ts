/**
 * A clone before and after set-up: what is missing is noticed and the way out named, programs are chosen by version,
 * foreign servers are kept out.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { environmentWithPath, fakeProgram, inNode, setupFolder, start, temporaryFolder } from './in-node';

const folder = temporaryFolder();
const clone = join(folder, 'clone');
const cache = join(folder, 'cache');
const systemPath = '/usr/bin:/bin';

beforeAll(() => {
  cpSync(setupFolder, join(clone, 'infra/setup'), { recursive: true });
  cpSync(join(setupFolder, '../../bin'), join(clone, 'bin'), { recursive: true });
  cpSync(join(setupFolder, '../../test/setup'), join(clone, 'test/setup'), { recursive: true });
});

function write(path: string, content: unknown): void {
  const file = join(clone, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

const inClone = (script: string, env?: NodeJS.ProcessEnv): ReturnType<typeof inNode> =>
  inNode(
    `const clone = (file) => ${JSON.stringify(pathToFileURL(join(clone, 'infra/setup')).href)} + '/' + file;\n${script}`,
    env,
  );

describe('lodestone before set-up', () => {
  const lodestone = (): ReturnType<typeof inNode> =>
    start(process.execPath, [join(clone, 'bin/lodestone.mjs'), 'list']).ended;

  test.each([
    ['node_modules', 'node_modules is missing or incomplete', 'node_modules/.package-lock.json'],
    [
      'the binding',
      'TensorFlow binding is not linked',
      'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node',
    ],
    ['the toolchain', 'toolchain.json is missing', '.lodestone/toolchain.json'],
  ])('without %s it says what is missing and what to run', async (_what, message, thenWrite) => {
    const { code, stderr } = await lodestone();
    expect(stderr).toContain(message);
    expect(stderr).toContain('npm run setup');
    expect(stderr).toContain(clone);
    expect(code).toBe(12);
    write(thenWrite, '{}');
  });
});

describe('the tests before set-up', () => {
  const globalSetup = async (toolchain: object): Promise<string> => {
    write('.lodestone/toolchain.json', toolchain);
    const script = `require(process.argv[1])().then(() => console.log('passed'), (error) => console.log(error.message))`;
    return (await start(process.execPath, ['-e', script, join(clone, 'test/setup/global-setup.cjs')]).ended).stdout;
  };
  const whole = {
    version: 1,
    temporal: process.execPath,
    minio: process.execPath,
    versitygw: null,
    tensorflow: tmpdir(),
  };

  test('they run when every path is there', async () => {
    expect(await globalSetup(whole)).toBe('passed\n');
  });

  test('a path that is gone and a file of another version each end them with what to run', async () => {
    expect(await globalSetup({ ...whole, minio: '/gone/minio' })).toMatch(
      /minio names \/gone\/minio, which is not there\. Run: npm run setup/,
    );
    expect(await globalSetup({ ...whole, temporal: null })).toMatch(
      /temporal is not set up \(this is a worker's set-up\)\. Run: npm run setup/,
    );
    expect(await globalSetup({ ...whole, version: 2 })).toMatch(/version is 2, must be 1\. Run: npm run setup/);
  });
});

describe('node_modules against the lock file', () => {
  const lock = (packages: object): object => ({ lockfileVersion: 3, packages: { '': { name: 'clone' }, ...packages } });
  const wanted = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0', optional: true } };
  const difference = async (installed: object | string): Promise<string> => {
    write('package-lock.json', lock(wanted));
    write('node_modules/.package-lock.json', installed);
    return (
      await inClone(
        `const { firstDifference } = await import(clone('node-modules.mjs')); console.log(firstDifference());`,
      )
    ).stdout.trim();
  };

  test('nothing to do when all is there, or only an optional package of another platform is not', async () => {
    expect(await difference(lock(wanted))).toBe('undefined');
    expect(await difference(lock({ 'node_modules/a': { version: '1.0.0' } }))).toBe('undefined');
  });

  test('a missing package, another version and a half-written installation are each noticed', async () => {
    expect(await difference(lock({}))).toBe('node_modules/a is missing');
    expect(await difference(lock({ ...wanted, 'node_modules/a': { version: '0.9.0' } }))).toBe(
      'node_modules/a is 0.9.0, must be 1.0.0',
    );
    expect(await difference('{"packages": {')).toBe('node_modules is missing or incomplete');
  });
});

describe('server programs', () => {
  const find = (path: string): ReturnType<typeof inNode> =>
    inClone(
      `const { findServer } = await import(clone('servers.mjs'));
       console.log('found', await findServer('temporal', { say: (text) => console.log(text) }));`,
      { ...environmentWithPath(`${path}:${systemPath}`), LODESTONE_CACHE: cache },
    );

  test('a program on PATH is used when its version will do', async () => {
    write('.lodestone/toolchain.json', { version: 1 });
    const path = fakeProgram(
      join(folder, 'new'),
      'temporal',
      'echo "temporal version 1.6.0 (Server 1.30.0, UI 2.43.0)"',
    );
    expect((await find(path)).stdout).toContain(`found ${path}/temporal`);
  });

  test('an old one is refused with the rule, and the cached one is taken', async () => {
    const path = fakeProgram(
      join(folder, 'old'),
      'temporal',
      'echo "temporal version 1.0.0 (Server 1.24.2, UI 2.28.0)"',
    );
    const refused = await find(path);
    expect(refused.stdout).toContain(`${path}/temporal is not used: its version must be Temporal Server >= 1.28`);
    expect(refused.stdout).toContain('found null');

    const cached = fakeProgram(join(cache, 'temporal-1.5.1-linux-x64'), 'temporal', 'exit 1');
    expect((await find(path)).stdout).toContain(`found ${cached}/temporal`);
  });

  test('what an earlier set-up wrote down is not asked again, but only where this set-up would look', async () => {
    const silent = fakeProgram(join(folder, 'silent'), 'temporal', 'exit 1'); // it would be refused if asked
    write('.lodestone/toolchain.json', { version: 1, temporal: join(silent, 'temporal') });
    expect((await find(silent)).stdout).toContain(`found ${silent}/temporal`);
    expect((await find(join(folder, 'old'))).stdout).toContain(`found ${cache}`); // no longer on PATH
    write('.lodestone/toolchain.json', { version: 1, temporal: join(silent, 'gone') });
    expect((await find(silent)).stdout).toContain('is not used');
  });

  test('without Go the message names it and what spares it; nothing is left in the cache', async () => {
    const { code, stderr } = await inClone(
      `const { setUpServer } = await import(clone('servers.mjs'));
       const { main } = await import(clone('main.mjs'));
       await main(() => setUpServer('minio', { say: () => {} }));`,
      { ...environmentWithPath(folder), LODESTONE_CACHE: cache },
    );
    expect(stderr).toMatch(/Go: no go on PATH, must be >= 1\.25 to build MinIO.*put a minio program on PATH/);
    expect(code).toBe(12);
    expect(existsSync(join(cache, 'minio-20260212-linux-x64'))).toBe(false);
  });

  test('a set-up for a worker builds none, needs no Go, and takes what is there', async () => {
    const path = fakeProgram(join(folder, 'worker'), 'minio', 'echo "minio version RELEASE.2025-09-07"');
    const { stdout } = await inClone(
      `const { setUpServers } = await import(clone('steps.mjs'));
       const quiet = { step: (_title, work) => work(() => {}) };
       console.log(JSON.stringify(await setUpServers('worker', quiet)));`,
      { ...environmentWithPath(path), LODESTONE_CACHE: join(folder, 'empty') },
    );
    expect(JSON.parse(stdout)).toEqual({ temporal: null, minio: join(path, 'minio'), versitygw: null });
  });

  test('a word that set-up does not know ends it, with those that it does', async () => {
    const { code, stderr } = await start(process.execPath, [join(clone, 'infra/setup/setup.mjs'), '--gpu']).ended;
    expect(stderr).toBe('npm run setup: got --gpu, must be nothing or --worker.\n');
    expect(code).toBe(2);
  });

  test('the toolchain file is replaced whole, with the documented shape', async () => {
    const { stdout } = await inClone(
      `const { writeToolchain } = await import(clone('toolchain.mjs'));
       const { toolchainFile } = await import(clone('paths.mjs'));
       const { readFileSync, readdirSync } = await import('node:fs');
       await writeToolchain({ temporal: '/t', minio: '/m', versitygw: null, tensorflow: '/f' });
       console.log(JSON.stringify([JSON.parse(readFileSync(toolchainFile)), readdirSync(clone('../../.lodestone').slice('file://'.length))]));`,
    );
    expect(JSON.parse(stdout)).toEqual([
      { version: 1, temporal: '/t', minio: '/m', versitygw: null, tensorflow: '/f' },
      ['toolchain.json'],
    ]);
  });
});

test('start and test see no foreign server, store or profile; the cache folder stays', async () => {
  const foreign = {
    TEMPORAL_ADDRESS: 'a:7233',
    TEMPORAL_CONFIG_FILE: '/p',
    AWS_PROFILE: 'me',
    LODESTONE_STORE: 's3://x',
    LODESTONE_CACHE: '/c',
    HOME: '/h',
  };
  const { stdout } = await inNode(
    `const { isolatedEnvironment } = await import(setup('environment.mjs'));
     console.log(JSON.stringify(isolatedEnvironment(${JSON.stringify(foreign)})));`,
  );
  const isolated: unknown = JSON.parse(stdout);
  expect(isolated).toMatchObject({ LODESTONE_CACHE: '/c', HOME: '/h', AWS_CONFIG_FILE: '/dev/null' });
  for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_CONFIG_FILE', 'AWS_PROFILE', 'LODESTONE_STORE'])
    expect(isolated).not.toHaveProperty(name);
});
