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
import { findServer, setUpServer } from './servers.mjs';
import { setUpTensorflow } from './tensorflow.mjs';
import { writeToolchain } from './toolchain.mjs';

/**
 * @param alternatives also build what only tests and `--s3 versitygw` use
 */
export async function setUp({ alternatives, progress = new Progress() }) {
  requireNode();
  requirePlatform();
  const waiting = () => progress.note('another set-up of this clone is running; waiting for it');
  await withLock(`${projectRoot}:set-up`, waiting, async () => {
    await progress.step('dependencies', (say) => setUpNodeModules({ say }));
    // The compiler uses one core, Go's downloads none: side by side both end sooner.
    const [tensorflow, servers] = await Promise.all([
      progress.step('TensorFlow binding', (say) => setUpTensorflow({ say })),
      setUpServers(progress, alternatives),
    ]);
    await writeToolchain({ ...servers, tensorflow });
    await progress.step('build', (say) => build({ say }));
  });
}

async function setUpServers(progress, alternatives) {
  const temporal = await progress.step('Temporal', (say) => setUpServer('temporal', { say }));
  const minio = await progress.step('MinIO', (say) => setUpServer('minio', { say }));
  const alternative = alternatives ? setUpServer : findServer;
  const versitygw = await progress.step('versitygw', (say) => alternative('versitygw', { say }));
  return { temporal, minio, versitygw };
}
