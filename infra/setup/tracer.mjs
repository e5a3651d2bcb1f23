/**
 * The tracer of `--profile`: engine/profile/tracer.cc compiled against TensorFlow's headers, in the user cache, linked beside
 * the addon of tfjs. Loaded only by a trainer that profiles. Knows the compiler line; does not know what is traced.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readlink, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheEntry } from './cache.mjs';
import { cacheRoot, platformKey, projectRoot } from './paths.mjs';
import { requireCompiler } from './prerequisites.mjs';
import { run } from './process.mjs';

const source = join(projectRoot, 'engine/profile/tracer.cc');

/**
 * @param tensorflow the cache entry whose headers it is compiled with
 * @param packageFolder of tfjs-node-gpu in this clone
 */
export async function setUpTracer({ say, tensorflow, packageFolder }) {
  const digest = createHash('sha256')
    .update(await readFile(source))
    .digest('hex');
  const entry = await cacheEntry({
    root: cacheRoot(),
    name: `tracer-${digest.slice(0, 16)}-${platformKey}`,
    waiting: () => say('another set-up is building the tracer; waiting for it'),
    build: async (folder) => {
      const compiler = await requireCompiler();
      say('compiling the tracer');
      const includes = [join(projectRoot, 'node_modules/node-api-headers/include'), join(tensorflow, 'deps/include')];
      await run(compiler, [
        ...['-shared', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8', '-fvisibility=hidden'],
        ...includes.map((path) => `-I${path}`),
        source,
        ...['-o', join(folder, 'tracer.node'), '-ldl'],
      ]);
    },
  });
  const link = join(packageFolder, 'lib/lodestone');
  if ((await readlink(link).catch(() => undefined)) === entry) return;
  await mkdir(dirname(link), { recursive: true });
  const temporary = `${link}.${process.pid}.tmp`;
  await symlink(entry, temporary);
  await rename(temporary, link);
}
