/**
 * The user cache: an entry is a folder that is there whole or not at all, made once however many set-ups run.
 * Knows temporary folders, renames and locks. Does not know what an entry holds.
 *
 * Invariants:
 *   1  An entry is built in a temporary folder beside it and renamed into place: what is in place is complete.
 *   2  An interrupted build leaves a temporary folder only; the next build of that entry on that host removes it and starts
 *      anew. One on another host, which shares the cache, leaves it for a day: it may be under way.
 *   3  The lock saves work, the rename keeps it right: two builders without a common lock (two containers on one
 *      cache folder) both finish, and the first one's entry stays.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** No build takes so long. */
const LEFT_AFTER_MS = 24 * 3_600_000;

/**
 * Returns the folder of the entry, after building it where it is missing.
 * @param name    key of the entry: everything that decides its content (versions, platform)
 * @param build   fills the empty folder it is given; what it throws passes through and nothing is put in place
 * @param waiting called once when another process is building the same entry
 */
export async function cacheEntry({ root, name, build, waiting = () => {} }) {
  const entry = join(root, name);
  if (await exists(entry)) return entry;

  await mkdir(root, { recursive: true });
  return withLock(entry, waiting, async () => {
    if (await exists(entry)) return entry; // the one we waited for has made it

    await removeLeftovers(root, name);
    const temporary = join(root, `.${name}.${hostname()}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
    await mkdir(temporary);
    try {
      await build(temporary);
      await rename(temporary, entry).catch(async (error) => {
        if (!(await exists(entry))) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return entry;
  });
}

/**
 * Runs `work` while no other process on this machine does under the same name. The lock is a Linux abstract socket:
 * the kernel frees it when its holder dies, however it dies. Elsewhere there is no lock (invariant 3).
 */
export async function withLock(name, waiting, work) {
  if (process.platform !== 'linux') return work();

  // Of full length: Node 20 pads a shorter address with zeros and later versions do not, so that they would not meet.
  const address = `\0lodestone-${createHash('sha256').update(name).digest('hex')}`.padEnd(108, '-');
  let server = await tryListen(address);
  if (!server) waiting();
  while (!server) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    server = await tryListen(address);
  }
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Throws an error that names the file unless its bytes have the digest that is pinned for it. */
export async function requireSha256(file, expected) {
  const actual = await sha256OfFile(file);
  if (actual !== expected) {
    throw new Error(
      `${file}: sha256 is ${actual}, must be ${expected}: the download is damaged or is another file than the one pinned. ` +
        'Run set-up again; if it stays so, the package index serves a changed file.',
    );
  }
}

export async function sha256OfFile(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

export async function exists(path) {
  return stat(path).then(
    () => true,
    (error) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
      throw error;
    },
  );
}

async function removeLeftovers(root, name) {
  for (const leftover of await readdir(root)) {
    if (!leftover.startsWith(`.${name}.`) || !leftover.endsWith('.tmp')) continue;
    const own = `.${name}.${hostname()}.`;
    const isOwn = leftover.startsWith(own) && /^\d+-[0-9a-f]+\.tmp$/.test(leftover.slice(own.length));
    const path = join(root, leftover);
    if (isOwn || (await ageOf(path)) > LEFT_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

/** In milliseconds; of what is gone by now 0. */
async function ageOf(path) {
  return stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
}

function tryListen(address) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server));
  });
}
