/**
 * The server programs of the local stack: Temporal's CLI, MinIO, versitygw. Each is taken from PATH when its version
 * will do, else from the user cache, else downloaded (Temporal, where its host is reachable), else built with Go.
 * Knows pinned versions and how to ask a program for its own. Does not start any server.
 */
import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { cacheEntry, exists } from './cache.mjs';
import { cacheRoot, platformKey, projectRoot, toolchainFile } from './paths.mjs';
import { atLeast, requireGo } from './prerequisites.mjs';
import { run } from './process.mjs';

const temporalHost = 'https://temporal.download';

/** `sum` is Go's own checksum of the module, as in go.sum; it covers what the module's go.sum then pins. */
export const servers = {
  temporal: {
    title: 'Temporal',
    version: '1.5.1',
    module: 'github.com/temporalio/cli',
    package: 'github.com/temporalio/cli/cmd/temporal@v1.5.1',
    sum: 'h1:0RZMk14BWxz44Xg6ciDQvpfAMffoG3J7/K03ql80teY=',
    accepts: (output) => atLeast(output.match(/Server (\d+\.\d+\.\d+)/)?.[1] ?? '0', [1, 28]),
    rule: 'Temporal Server >= 1.28',
  },
  minio: {
    title: 'MinIO',
    version: '20260212',
    module: 'github.com/minio/minio',
    package: 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c',
    sum: 'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=',
    accepts: (output) =>
      (output.match(/RELEASE\.(\d{4})/)?.[1] ?? '0') >= '2025' || output.includes('DEVELOPMENT.GOGET'),
    rule: 'a release of 2025 or later',
  },
  versitygw: {
    title: 'versitygw',
    version: '1.7.0',
    module: 'github.com/versity/versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw@v1.7.0',
    sum: 'h1:Tyn9TOpUn6nTyYfb+e2uaz1prf5Uv44FLpy4RU/foJE=',
    accepts: (output) => /Version\s*:\s*(v?1\.[7-9]|v?1\.\d\d|git)/.test(output),
    rule: 'version >= 1.7',
  },
};

/**
 * @param name 'temporal' | 'minio' | 'versitygw'
 * @param say  progress in words
 * @returns the absolute path of a program that answered to --version
 */
export async function setUpServer(name, { say }) {
  const server = servers[name];
  const found = await findServer(name, { say });
  if (found !== null) return found;

  const entry = await cacheEntry({
    root: cacheRoot(),
    name: entryName(name),
    waiting: () => say('another set-up is building it; waiting'),
    build: async (folder) => {
      const there = name === 'temporal' && (await downloadTemporal(folder, server, say));
      if (!there) await buildWithGo(name, server, folder, say);
      const output = await run(join(folder, name), ['--version']);
      if (!server.accepts(output))
        throw new Error(
          `${server.title}: the program just made calls itself "${output.trim()}", must be ${server.rule}`,
        );
    },
  });
  return join(entry, name);
}

/** The program if it is here already, else null: the one on PATH when its version will do, else the cached one. */
export async function findServer(name, { say }) {
  const cached = join(cacheRoot(), entryName(name), name);
  const onPath = findOnPath(name);
  // What the last set-up wrote down was asked for its version then, which spares a second set-up asking again.
  const known = await knownPath(name);
  if (known !== undefined && (known === cached || known === onPath)) return known;

  if (onPath !== undefined) {
    const output = await run(onPath, ['--version']).catch((error) => error.message);
    if (servers[name].accepts(output)) return onPath;
    say(`${onPath} is not used: its version must be ${servers[name].rule}`);
  }
  return (await exists(cached)) ? cached : null;
}

function entryName(name) {
  return `${name}-${servers[name].version}-${platformKey}`;
}

/** What the last set-up wrote down, if it is still there. */
async function knownPath(name) {
  const text = await readFile(toolchainFile, 'utf8').catch(() => '{}');
  const path = readToolchain(text)?.[name];
  return typeof path === 'string' && (await exists(path)) ? path : undefined;
}

/** null: half a file, of a machine that lost its power. Set-up writes it anew. */
function readToolchain(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function findOnPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** The SDK's own downloader, which starts the server once; false where its host does not answer within 3 s. */
async function downloadTemporal(folder, server, say) {
  const reachable = await fetch(temporalHost, { method: 'HEAD', signal: AbortSignal.timeout(3000) }).then(
    () => true,
    () => false,
  );
  if (!reachable) return false;

  say(`downloading version ${server.version} from ${new URL(temporalHost).host}`);
  const downloads = join(folder, 'download');
  const script = `
    const { TestWorkflowEnvironment } = require('@temporalio/testing');
    const executable = { type: 'cached-download', version: 'v${server.version}', downloadDir: process.argv[1] };
    TestWorkflowEnvironment.createLocal({ server: { executable } }).then((environment) => environment.teardown());`;
  await mkdir(downloads);
  try {
    await run(process.execPath, ['-e', script, downloads], { cwd: projectRoot, timeoutMs: 180_000 });
    const [program] = await readdir(downloads);
    await rename(join(downloads, program), join(folder, 'temporal'));
    await chmod(join(folder, 'temporal'), 0o755);
    return true;
  } catch (error) {
    say(`the download failed, building it instead (${error.message.split('\n')[0].slice(0, 200)})`);
    return false;
  } finally {
    await rm(downloads, { recursive: true, force: true });
  }
}

async function buildWithGo(name, server, folder, say) {
  await requireGo(server.title, `put a ${name} program on PATH (${server.rule})`);

  say('fetching its source');
  const [, version] = server.package.split('@');
  const found = JSON.parse(
    await run('go', ['mod', 'download', '-json', `${server.module}@${version}`], { cwd: folder }),
  );
  if (found.Sum !== server.sum) {
    throw new Error(
      `${server.module}@${version}: checksum is ${found.Sum}, must be ${server.sum}: this source is not the one pinned. Clear Go's module cache (go clean -modcache) and run set-up again.`,
    );
  }

  let packages = 0;
  const onLine = (line) =>
    say(line.startsWith('go: ') ? 'fetching its source' : `building, ${(packages += 1)} packages`, 'often');
  const env = { GOBIN: folder, CGO_ENABLED: '0', GOOS: '', GOARCH: '' };
  await run('go', ['install', '-v', server.package], { cwd: folder, env, onLine });
}
