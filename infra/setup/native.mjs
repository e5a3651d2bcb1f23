/**
 * What is native of our own, compiled against TensorFlow's headers into the user cache and linked beside the addon of tfjs:
 * the tracer of `--profile`, which only a trainer that profiles loads, and the ops in engine/cpu.
 * Knows the compiler lines; does not know what the sources compute.
 *
 * An entry without `ops.node` is whole: the ops are faster than what TensorFlow has, and nothing more. Its name has the
 * compiler in it, so that another one tries again.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { cacheEntry } from './cache.mjs';
import { cacheRoot, platformKey, projectRoot } from './paths.mjs';
import { requireCompiler } from './prerequisites.mjs';
import { CommandFailed, interruption, run } from './process.mjs';

const opsFolder = join(projectRoot, 'engine/cpu');
const tracer = join(projectRoot, 'engine/profile/tracer.cc');
const nodeHeaders = join(projectRoot, 'node_modules/node-api-headers/include');

/**
 * No more than every x86-64 has, and no sum fused with a product that the source does not fuse: no bit, and no instruction
 * before the CPU was asked, depends on how a compiler was configured.
 */
const common = [
  ...['-fPIC', '-std=c++17', '-fvisibility=hidden', '-DNDEBUG', '-D_GLIBCXX_USE_CXX11_ABI=1', '-DNAPI_VERSION=8'],
  ...['-march=x86-64', '-ffp-contract=off'],
];
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
 * @returns the folder of the cache entry
 */
export async function buildNative({ say, tensorflow }) {
  const compiler = await requireCompiler();
  const sources = await readSources();
  const digest = createHash('sha256')
    .update(JSON.stringify([basename(tensorflow), await versionOf(compiler), common, instructionSets]))
    .update(digestOf(sources))
    .update(await readFile(tracer))
    .digest('hex');
  return cacheEntry({
    root: cacheRoot(),
    name: `native-${digest.slice(0, 16)}-${platformKey}`,
    waiting: () => say('another set-up is compiling the ops; waiting for it'),
    build: async (folder) => {
      say('compiling tracer and ops');
      await compileTracer({ compiler, tensorflow, folder });
      await compileOps({ compiler, tensorflow, folder, sources }).catch((error) => {
        if (!isCompilers(error)) throw error;
        say(`lodestone's own ops could not be compiled; TensorFlow's do their work, slower (${complaintOf(error)})`);
      });
    },
  });
}

/** @param packageFolder of tfjs-node-gpu in this clone */
export async function linkNative(packageFolder, entry) {
  const link = join(packageFolder, 'lib/lodestone');
  if ((await readlink(link).catch(() => undefined)) === entry) return;
  await mkdir(dirname(link), { recursive: true });
  const temporary = `${link}.${process.pid}.tmp`;
  await symlink(entry, temporary);
  await rename(temporary, link);
}

/** Names and contents, read once: what is compiled is what the digest is of. */
async function readSources() {
  const names = (await readdir(opsFolder)).filter((name) => /\.(cc|h)$/.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, content: await readFile(join(opsFolder, name)) })));
}

/** As engine/cpu/ops-addon.ts computes it: it looks whether what was compiled is what is there. */
function digestOf(sources) {
  const hash = createHash('sha256');
  for (const { name, content } of sources) hash.update(`${name}\n`).update(content);
  return hash.digest('hex');
}

async function compileTracer({ compiler, tensorflow, folder }) {
  const includes = [nodeHeaders, join(tensorflow, 'deps/include')].map((path) => `-I${path}`);
  await run(compiler, [...common, '-shared', '-O2', ...includes, tracer, '-o', join(folder, 'tracer.node'), '-ldl']);
}

async function compileOps({ compiler, tensorflow, folder, sources }) {
  const work = join(folder, 'ops');
  await mkdir(work);
  try {
    await Promise.all(sources.map(({ name, content }) => writeFile(join(work, name), content)));
    const objects = sources.flatMap(({ name }) => objectsOf(join(work, name), tensorflow, digestOf(sources)));
    await inLanes(objects, ({ options, source, object }) =>
      run(compiler, [...common, ...options, '-c', source, '-o', object]),
    );
    await run(compiler, [
      ...['-shared', '-o', join(folder, 'ops.node'), ...objects.map(({ object }) => object)],
      ...[`-L${join(tensorflow, 'deps/lib')}`, '-ltensorflow_framework', '-Wl,-z,now'],
    ]);
  } finally {
    await rm(work, { recursive: true });
  }
}

function objectsOf(source, tensorflow, digest) {
  if (source.endsWith('-loops.cc'))
    return Object.entries(instructionSets).map(([set, flags]) => ({
      source,
      object: `${source}.${set}.o`,
      // Vectors are passed between functions that are inlined: the warning about how says nothing.
      options: ['-O3', '-Wno-psabi', `-DLODESTONE_ISA=${set}`, ...flags],
    }));
  if (!source.endsWith('.cc')) return [];
  const includes = [`-I${nodeHeaders}`, `-isystem${join(tensorflow, 'deps/include')}`];
  const options = ['-O2', '-w', '-DEIGEN_MAX_ALIGN_BYTES=64', `-DLODESTONE_SOURCES="${digest}"`, ...includes];
  return [{ source, object: `${source}.o`, options }];
}

/** As many at once as there are cores; the first failure is thrown when none is at work any more. */
async function inLanes(items, work) {
  const waiting = [...items];
  const lane = async () => {
    try {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    } finally {
      waiting.length = 0;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: availableParallelism() }, lane));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
}

/** Whether another attempt with the same compiler would fail as well. */
function isCompilers(error) {
  return (
    error instanceof CommandFailed && interruption() === undefined && !/No space left on device/.test(error.message)
  );
}

async function versionOf(compiler) {
  return (await run(compiler, ['--version'])).split('\n')[0];
}

/** What the compiler said first; the line before it is the command. */
function complaintOf(error) {
  const [command, complaint = command] = error.message.split('\n');
  return complaint.trim();
}
