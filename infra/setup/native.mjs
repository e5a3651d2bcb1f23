/**
 * What is native of our own, compiled against TensorFlow's headers into the user cache and linked beside the addon of tfjs:
 * the ops in engine/cpu, and the tracer of `--profile`, which only a trainer that profiles loads.
 * Knows the compiler lines; does not know what the sources compute.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheEntry } from './cache.mjs';
import { cacheRoot, platformKey, projectRoot } from './paths.mjs';
import { requireCompiler } from './prerequisites.mjs';
import { run } from './process.mjs';

const cpuFolder = join(projectRoot, 'engine/cpu');
const tracer = join(projectRoot, 'engine/profile/tracer.cc');
const nodeHeaders = join(projectRoot, 'node_modules/node-api-headers/include');

const common = ['-fPIC', '-std=c++17', '-fvisibility=hidden', '-DNAPI_VERSION=8'];
/** The loops are compiled for each, and chosen from when they run: an entry works on every host of the platform. */
const instructionSets = {
  avx2: ['-DLODESTONE_LANES=8', '-mavx2', '-mfma'],
  avx512: [
    ...['-DLODESTONE_LANES=16', '-mavx2', '-mfma', '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl'],
    '-mprefer-vector-width=512',
  ],
};

/**
 * @param tensorflow the cache entry whose headers and libraries it is compiled with
 * @param packageFolder of tfjs-node-gpu in this clone
 */
export async function setUpNative({ say, tensorflow, packageFolder }) {
  const entry = await cacheEntry({
    root: cacheRoot(),
    name: `native-${(await digestOf(tensorflow)).slice(0, 16)}-${platformKey}`,
    waiting: () => say('another set-up is compiling the ops; waiting for it'),
    build: async (folder) => {
      const compiler = await requireCompiler();
      say('compiling ops and tracer');
      await compile(compiler, tensorflow, folder);
    },
  });
  const link = join(packageFolder, 'lib/lodestone');
  if ((await readlink(link).catch(() => undefined)) === entry) return;
  await mkdir(dirname(link), { recursive: true });
  const temporary = `${link}.${process.pid}.tmp`;
  await symlink(entry, temporary);
  await rename(temporary, link);
}

/** Of all that decides what is compiled: the sources, the lines below, the headers. */
async function digestOf(tensorflow) {
  const inFolder = (await readdir(cpuFolder)).sort().map((name) => join(cpuFolder, name));
  const hash = createHash('sha256').update(basename(tensorflow));
  for (const file of [...inFolder, tracer, fileURLToPath(import.meta.url)]) hash.update(await readFile(file));
  return hash.digest('hex');
}

async function compile(compiler, tensorflow, folder) {
  const headers = join(tensorflow, 'deps/include');
  const objectFolder = join(folder, 'objects');
  await mkdir(objectFolder);
  const sources = (await readdir(cpuFolder)).filter((name) => name.endsWith('.cc'));
  const objects = sources.flatMap((name) => {
    const line = (...options) => [...common, ...options, '-c', join(cpuFolder, name)];
    if (name.endsWith('-loops.cc'))
      return Object.entries(instructionSets).map(([set, options]) => ({
        object: join(objectFolder, `${name}.${set}.o`),
        // Vectors wider than the platform's own are passed between functions that are inlined: their warning says nothing.
        line: line('-O3', '-ffp-contract=fast', '-Wno-psabi', `-DLODESTONE_ISA=${set}`, ...options),
      }));
    const options = ['-O2', '-DEIGEN_MAX_ALIGN_BYTES=64', '-w', `-I${nodeHeaders}`, `-I${headers}`];
    return [{ object: join(objectFolder, `${name}.o`), line: line(...options) }];
  });
  await inLanes(objects, ({ object, line }) => run(compiler, [...line, '-o', object]));
  await run(compiler, [
    ...['-shared', '-o', join(folder, 'ops.node'), ...objects.map(({ object }) => object)],
    ...[`-L${join(tensorflow, 'deps/lib')}`, '-ltensorflow_framework'],
  ]);
  await rm(objectFolder, { recursive: true });
  const includes = [nodeHeaders, headers].map((path) => `-I${path}`);
  await run(compiler, [...common, '-shared', '-O2', ...includes, tracer, '-o', join(folder, 'tracer.node'), '-ldl']);
}

async function inLanes(items, work) {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}
