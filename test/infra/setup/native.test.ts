/** What set-up compiles of our own: a compiler that cannot do the ops costs speed alone, and another one tries again. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freshFolder } from '../../storage/support/temporary-folder';
import { inNode } from './in-node';

const libraries = resolve(__dirname, '../../../node_modules/@tensorflow/tfjs-node-gpu/deps/lib');

/** The entry that is built, and what was said meanwhile. */
async function built(cache: string, compiler: string): Promise<{ entry: string; said: string[] }> {
  const { stdout, stderr } = await inNode(
    `const { buildNative } = await import(setup('native.mjs'));
     const said = [];
     const tensorflow = ${JSON.stringify(resolve(realpathSync(libraries), '../..'))};
     const entry = await buildNative({ say: (line) => said.push(line), tensorflow });
     console.log(JSON.stringify({ entry, said }));`,
    { ...process.env, LODESTONE_CACHE: cache, CXX: compiler },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { entry: string; said: string[] };
}

test('ops that do not compile are left out and told of; another compiler compiles them', async () => {
  const folder = await freshFolder();
  const old = join(folder, 'old-compiler');
  const script = `#!/bin/sh
case "$*" in
  --version) echo 'old compiler 1.0' ;;
  *' -c '*) echo 'loops.cc:1: vectors are not known here' >&2; exit 1 ;;
  *) exec g++ "$@" ;;
esac
`;
  await writeFile(old, script, { mode: 0o755 });
  const without = await built(join(folder, 'cache'), old);
  expect(readdirSync(without.entry)).toEqual(['tracer.node']);
  expect(without.said[1]).toBe(
    "lodestone's own ops could not be compiled; TensorFlow's do their work, slower (loops.cc:1: vectors are not known here)",
  );
  expect((await built(join(folder, 'cache'), old)).said).toEqual([]);

  const other = await built(join(folder, 'cache'), 'g++');
  expect(other.entry).not.toBe(without.entry);
  expect(readdirSync(other.entry).sort()).toEqual(['ops.node', 'tracer.node']);
  expect(existsSync(join(other.entry, 'ops'))).toBe(false);
}, 120_000);
