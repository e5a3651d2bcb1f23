/**
 * The TensorFlow binding: libraries and headers out of the official Python wheel, the addon of tfjs-node compiled
 * against them, both in the user cache and linked into node_modules (`npm ci` deletes what lies there).
 * Knows the wheel, the compiler line and the package's layout. Does not run the method.
 *
 * The cache entry mirrors the package (`deps/`, `lib/napi-v8/`): Node resolves the link before it loads the addon, and
 * the addon finds its libraries relative to itself.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheEntry, exists, requireSha256 } from './cache.mjs';
import { buildNative, linkNative } from './native.mjs';
import { cacheRoot, platformKey, projectRoot } from './paths.mjs';
import { MissingPrerequisite, requireCompiler, requirePip, requirePlatform } from './prerequisites.mjs';
import { run } from './process.mjs';

const tfjsVersion = '4.22.0';
const tfjsPackage = join(projectRoot, 'node_modules/@tensorflow/tfjs-node-gpu');
const linked = ['deps/lib', 'deps/include', 'lib/napi-v8'];

/**
 * The wheels: for CPUs, and with CUDA kernels, which want NVIDIA's libraries beside them. These are the lowest versions that
 * the wheel's extra `and-cuda` allows: those that it was built with (CUDA 12.5, cuDNN 9.3).
 */
const wheels = {
  cpu: {
    requirement: 'tensorflow-cpu==2.21.0',
    download: '274 MB',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    libraries: [],
  },
  gpu: {
    requirement: 'tensorflow==2.21.0',
    download: '573 MB',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    libraries: [
      'nvidia-cublas-cu12==12.5.3.2',
      'nvidia-cuda-cupti-cu12==12.5.82',
      'nvidia-cuda-nvcc-cu12==12.5.82',
      'nvidia-cuda-nvrtc-cu12==12.5.82',
      'nvidia-cuda-runtime-cu12==12.5.82',
      'nvidia-cudnn-cu12==9.3.0.75',
      'nvidia-cufft-cu12==11.2.3.61',
      'nvidia-curand-cu12==10.3.6.82',
      'nvidia-cusolver-cu12==11.6.3.83',
      'nvidia-cusparse-cu12==12.5.1.3',
      'nvidia-nccl-cu12==2.27.7',
      'nvidia-nvjitlink-cu12==12.5.82',
    ],
  },
};
const python = '3.11';
const platform = 'manylinux_2_27_x86_64';

/**
 * Which wheel: what LODESTONE_TENSORFLOW says, else the one that is linked in, else that for CPUs.
 * @param linked where the package's `deps/lib` leads to, if anywhere
 */
export function wheelFor(environment, linked) {
  const asked =
    environment.LODESTONE_TENSORFLOW || (linked !== undefined && /\/tensorflow-\d/.test(linked) ? 'gpu' : 'cpu');
  if (asked in wheels) return { name: asked, ...wheels[asked] };
  throw new MissingPrerequisite(
    `LODESTONE_TENSORFLOW: got ${asked}, must be ${Object.keys(wheels).join(' or ')}. Leave it out for CPUs.`,
  );
}

/** Takes the members below out of the wheel argv[1] into the folder argv[2]; `tensorflow/include/` becomes `include/`. */
const extraction = `
import os, shutil, sys, zipfile
libraries = ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
headers = tuple('tensorflow/include/' + p for p in (
    'tensorflow/c/', 'tensorflow/core/', 'tsl/', 'xla/tsl/', 'absl/', 'google/protobuf/', 'Eigen/', 'unsupported/Eigen/', 'ml_dtypes/'))
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for member in wheel.namelist():
        if member in libraries: target = 'lib/' + os.path.basename(member)
        elif member.startswith(headers) and not member.endswith('/'): target = member[len('tensorflow/'):]
        else: continue
        path = os.path.join(sys.argv[2], target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with wheel.open(member) as source, open(path, 'wb') as out: shutil.copyfileobj(source, out, 1 << 20)
`;

/** Adds two tensors; tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 removed. */
const trial = `
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
const tf = require(process.argv[1]);
const sum = tf.tensor1d([1, 2]).add(tf.tensor1d([10, 20])).dataSync();
if (tf.getBackend() !== 'tensorflow' || sum[0] !== 11 || sum[1] !== 22) throw new Error('1+10, 2+20 gave ' + sum);
`;

/**
 * Sees to it that `require('@tensorflow/tfjs-node-gpu')` works in this clone; needs node_modules.
 * @param say progress in words
 * @returns the folder of the cache entry
 */
export async function setUpTensorflow({ say }) {
  const linkedNow = await readlink(join(tfjsPackage, 'deps/lib')).catch(() => undefined);
  const wheel = wheelFor(process.env, linkedNow);
  const entry = await buildTensorflow({ say, wheel, packageFolder: tfjsPackage });
  const native = await buildNative({ say, tensorflow: entry });
  const changed = await linkInto(tfjsPackage, entry);
  await linkNative(tfjsPackage, native);
  const stamp = join(entry, 'verified.json');
  const host = JSON.stringify({ node: process.version, abi: process.versions.modules });
  if (changed || (await readFile(stamp, 'utf8').catch(() => '')) !== host) {
    say('adding two tensors');
    await verify();
    await writeFile(stamp, host);
  }
  if (changed && wheel.name === 'cpu' && existsSync('/proc/driver/nvidia/version')) {
    say('an NVIDIA driver is here. TensorFlow with CUDA: LODESTONE_TENSORFLOW=gpu npm run setup (docs/performance.md)');
  }
  return entry;
}

/** True when the links lead to a cache entry; costs a few microseconds. */
export function tensorflowIsLinked() {
  return existsSync(join(tfjsPackage, 'lib/napi-v8/tfjs_binding.node'));
}

async function buildTensorflow({ say, wheel, packageFolder }) {
  const { requirement, sha256, download, libraries } = wheel;
  const name = `${requirement.replace('==', '-')}-tfjs-${tfjsVersion}-ops-${platformKey}`; // with the headers of ops
  return cacheEntry({
    root: cacheRoot(),
    name,
    waiting: () => say('another set-up is building the binding; waiting for it'),
    build: async (folder) => {
      requirePlatform();
      const pip = await requirePip();
      const compiler = await requireCompiler();

      say(`downloading ${requirement} (${download})`);
      const downloads = join(folder, 'download');
      const args = ['--no-deps', '--only-binary=:all:', '--implementation', 'cp', '--python-version', python];
      await run(pip.command, [
        ...pip.args,
        'download',
        '--progress-bar',
        'off',
        '--disable-pip-version-check',
        ...args,
        '--platform',
        platform,
        '--dest',
        downloads,
        requirement,
      ]);
      const [file] = await readdir(downloads);
      await requireSha256(join(downloads, file), sha256);

      say('taking libraries and headers out of the wheel');
      await run(pip.command, ['-c', extraction, join(downloads, file), join(folder, 'deps')]);
      await rm(downloads, { recursive: true });
      await symlink('libtensorflow_cc.so.2', join(folder, 'deps/lib/libtensorflow.so'));
      await symlink('libtensorflow_framework.so.2', join(folder, 'deps/lib/libtensorflow_framework.so'));

      if (libraries.length > 0) await addLibraries(pip, libraries, join(folder, 'deps'), say);

      say('compiling the binding');
      await compile(compiler, packageFolder, folder);
    },
  });
}

/**
 * NVIDIA's wheels unpack to `nvidia/<library>/lib`, where TensorFlow's own libraries look: beside their folder. Its loader of
 * libraries sits in libtensorflow_framework, whose list of such folders leaves out cuSOLVER's: a link in cuSPARSE's, which it
 * has, lets it be found.
 */
async function addLibraries(pip, libraries, target, say) {
  say('downloading the CUDA libraries (2 GB, 4 GB unpacked)');
  const options = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--disable-pip-version-check'];
  await run(pip.command, [...pip.args, 'install', ...options, '--target', target, ...libraries], {
    onLine: (line) => say(line.slice(0, 100), 'often'),
  });
  const solver = 'libcusolver.so.11';
  await symlink(join('../../cusolver/lib', solver), join(target, 'nvidia/cusparse/lib', solver));
}

async function compile(compiler, packageFolder, folder) {
  const output = join(folder, 'lib/napi-v8/tfjs_binding.node');
  await mkdir(dirname(output), { recursive: true });
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(packageFolder, 'binding', file));
  const includes = [
    join(projectRoot, 'node_modules/node-api-headers/include'),
    join(folder, 'deps/include'),
    join(packageFolder, '..'),
  ];
  await run(compiler, [
    ...['-shared', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=tfjs_binding', '-w'],
    ...includes.map((path) => `-I${path}`),
    ...sources,
    ...[
      '-o',
      output,
      `-L${join(folder, 'deps/lib')}`,
      '-ltensorflow',
      '-ltensorflow_framework',
      '-Wl,-rpath,$ORIGIN/../../deps/lib',
    ],
  ]);
}

/** Makes the links; returns whether one was missing or led elsewhere. */
async function linkInto(packageFolder, entry) {
  let changed = false;
  for (const path of linked) {
    const link = join(packageFolder, path);
    const target = join(entry, path);
    if ((await readlink(link).catch(() => undefined)) === target) continue;
    changed = true;
    await mkdir(dirname(link), { recursive: true });
    if (await exists(link)) await rm(link, { recursive: true });
    const temporary = `${link}.${process.pid}.tmp`;
    await symlink(target, temporary);
    await rename(temporary, link); // in one move, so that a process that loads it now finds the old or the new one
  }
  return changed;
}

async function verify() {
  await run(process.execPath, ['-e', trial, tfjsPackage], { env: { TF_CPP_MIN_LOG_LEVEL: '2' }, timeoutMs: 120_000 });
}
