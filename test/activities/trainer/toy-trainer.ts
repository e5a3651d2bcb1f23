/** The toy data set as files that a trainer loads, and the host of the built trainer. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainerHost } from '../../../activities/trainer/host';
import type { LoadSpec } from '../../../activities/trainer/protocol';
import { projectRoot } from '../../e2e/stand';
import { data, source } from '../../learning/training/toy';

/** The child is a program of its own: it has to be built. */
export async function builtHost(): Promise<TrainerHost> {
  execFileSync(process.execPath, ['infra/setup/build-now.mjs'], { cwd: projectRoot, stdio: 'pipe' });
  const built = (await import(join(projectRoot, 'dist/activities/trainer/host.js'))) as {
    TrainerHost: new () => TrainerHost;
  };
  return new built.TrainerHost();
}

/** Writes manifest and shard into the folder. Its one label is `kind`. */
export async function writeToySet(folder: string): Promise<Pick<LoadSpec, 'manifest' | 'shards'>> {
  const sha256 = '0'.repeat(64);
  const [manifest, shard] = [join(folder, 'manifest.json'), join(folder, 'shard')];
  const content = {
    version: 1,
    view: { edge: source.edge, channels: source.channels, invert: false },
    records: data.examples.map(({ path, split, classId }, position) => {
      const labels = { kind: `kind ${classId}` };
      return { path, sha256, split, labels, attributes: {}, shard: 0, position };
    }),
    shards: [{ sha256, records: data.examples.length }],
    quarantined: [],
    duplicates: [],
    notes: [],
  };
  await writeFile(manifest, JSON.stringify(content));
  await writeFile(shard, await source.read(data.examples.map((_, i) => i)));
  return { manifest, shards: [shard] };
}
