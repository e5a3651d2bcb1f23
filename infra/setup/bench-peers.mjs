/**
 * The programs that benches compare with: Python packages at pinned versions, each set in a virtual environment of its own
 * in the user cache. For `npm run bench` only; nothing else of lodestone needs or finds them.
 * Knows pip and the cache; does not know what is measured.
 */
import { access, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { cacheEntry } from './cache.mjs';
import { cacheRoot, platformKey } from './paths.mjs';
import { requirePip } from './prerequisites.mjs';
import { run } from './process.mjs';

/**
 * `download` is what pip fetched when the pin was made: sizes differ a little by Python version. What is `over` another
 * finds the packages of that one beside its own.
 */
const peers = {
  torch: {
    requirements: ['torch==2.15.0'],
    modules: ['torch'],
    download: '3.0 GB, 5.4 GB unpacked: for x86-64 the package index has PyTorch with its CUDA libraries only',
  },
  search: {
    requirements: ['scikit-learn==1.9.1', 'faiss-cpu==1.15.1'],
    modules: ['sklearn', 'faiss'],
    download: '90 MB, 300 MB unpacked',
  },
  metrics: {
    over: 'torch',
    requirements: ['pytorch-metric-learning==2.9.0', 'faiss-cpu==1.15.1', 'scikit-learn==1.9.1'],
    modules: ['pytorch_metric_learning', 'faiss', 'sklearn'],
    download: '90 MB, 300 MB unpacked',
  },
};

/** Which peers a bench is given; one that is not named here has none. */
const peersOfBench = {
  'train-step': 'torch',
  forward: 'torch',
  'k-means': 'search',
  neighbours: 'search',
  retrieval: 'metrics',
};

/**
 * The Python that has what the bench compares with, or null where it compares with nothing or the packages cannot be had:
 * then the bench measures ours alone and says so.
 */
export async function pythonForBench(bench, progress) {
  const peer = peersOfBench[bench];
  if (peer === undefined) return null;
  try {
    return await progress.step(`peers of the bench: ${peers[peer].requirements.join(', ')}`, (say) =>
      setUpPeer(peer, say),
    );
  } catch (error) {
    progress.note(`${bench} runs without its peer: ${error.message}`);
    return null;
  }
}

async function setUpPeer(peer, say) {
  const entry = await environmentOf(peer, say);
  await access(pythonOf(entry));
  return pythonOf(entry);
}

/** @returns the folder of the virtual environment in the cache */
async function environmentOf(peer, say) {
  const { over, requirements, modules, download } = peers[peer];
  const base = over === undefined ? null : await environmentOf(over, say);
  const pip = await requirePip();
  const tag = (await run(pip.command, ['-c', 'import sys; print("py%d.%d" % sys.version_info[:2])'])).trim();
  const names = [...requirements, ...(over === undefined ? [] : ['over', ...peers[over].requirements])];
  return cacheEntry({
    root: cacheRoot(),
    name: `bench-${names.join('-').replaceAll('==', '-')}-${tag}-${platformKey}`,
    waiting: () => say('another bench is installing it; waiting'),
    build: async (folder) => {
      const find = [...pip.args, 'install', '--dry-run', '--no-deps', '--ignore-installed', ...requirements];
      await run(pip.command, find, { timeoutMs: 300_000 });
      say(`downloading ${download}`);
      await run(pip.command, ['-m', 'venv', '--without-pip', folder]);
      if (base !== null) await layOver(base, folder);
      const into = [...pip.args, '--python', pythonOf(folder), 'install', '--no-cache-dir', ...requirements];
      await run(pip.command, into, { onLine: (line) => say(line.slice(0, 100), 'often') });
      await run(pythonOf(folder), ['-c', `import ${modules.join(', ')}`]);
    },
  });
}

/** Python, and so pip, looks into the packages that a .pth file names; by a relative path, so that the cache may be moved. */
async function layOver(base, folder) {
  const own = await packagesOf(folder);
  await writeFile(join(own, 'base.pth'), `${relative(own, await packagesOf(base))}\n`);
}

async function packagesOf(environment) {
  const lib = join(environment, 'lib');
  const python = (await readdir(lib)).find((name) => name.startsWith('python'));
  return join(lib, python, 'site-packages');
}

/** A virtual environment may be moved: Python finds it by its own path, and only scripts, which nobody runs, name the old. */
function pythonOf(folder) {
  return join(folder, 'bin/python');
}
