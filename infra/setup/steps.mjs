/**
 * The steps of set-up in their order. A second run finds everything in place and takes a fraction of a second.
 * Decides what depends on what; each step's own file knows how.
 */
import { build } from './build.mjs';
import { withLock } from './cache.mjs';
import { setUpNodeModules } from './node-modules.mjs';
import { projectRoot } from './paths.mjs';
import { requireNode, requirePlatform } from './prerequisites.mjs';
import { Progress } from './progress.mjs';
import { findServer, servers, setUpServer } from './servers.mjs';
import { setUpTensorflow } from './tensorflow.mjs';
import { writeToolchain } from './toolchain.mjs';

/** Which server programs a purpose needs; one that it does not need is taken where it is found, and not built. */
const serversFor = {
  stack: ['temporal', 'minio'],
  /** Also for `--s3 versitygw`. */
  everything: ['temporal', 'minio', 'versitygw'],
  /** A host that only serves a worker: its servers are elsewhere. */
  worker: [],
};

/** @param purpose 'stack' | 'everything' | 'worker' */
export async function setUp(purpose, progress = new Progress()) {
  requireNode();
  requirePlatform();
  const waiting = () => progress.note('another set-up of this clone is running; waiting for it');
  await withLock(`${projectRoot}:set-up`, waiting, async () => {
    await progress.step('dependencies', (say) => setUpNodeModules({ say }));
    // The compiler uses one core, Go's downloads none: side by side both end sooner.
    const [tensorflow, programs] = await bothOf(
      progress.step('TensorFlow binding', (say) => setUpTensorflow({ say })),
      setUpServers(purpose, progress),
    );
    await writeToolchain({ ...programs, tensorflow });
    await progress.step('build', (say) => build({ say }));
  });
}

/** Where one fails the other ends first: its lines would bury the reason, and its files be written beside the next set-up. */
async function bothOf(...lanes) {
  const ended = await Promise.allSettled(lanes);
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  return ended.map(({ value }) => value);
}

/** @returns the path of each server program by its name; null: not built, and not found */
export async function setUpServers(purpose, progress) {
  const paths = {};
  for (const [name, { title }] of Object.entries(servers)) {
    const place = serversFor[purpose].includes(name) ? setUpServer : findServer;
    paths[name] = await progress.step(title, (say) => place(name, { say }));
  }
  return paths;
}
