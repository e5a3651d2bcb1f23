/**
 * Where set-up keeps things: the user cache (binaries, shared by all clones) and the project's `.lodestone/` (state).
 * Knows folders and the shape of toolchain.json. Does not build or check anything. Node built-ins only, so that it
 * runs in a fresh clone and may be imported from anywhere.
 */
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this clone. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** `linux-x64`: part of every cache key, since a binary runs on one platform alone. */
export const platformKey = `${process.platform}-${process.arch}`;

/** The user cache: LODESTONE_CACHE, else XDG_CACHE_HOME/lodestone, else ~/.cache/lodestone. */
export function cacheRoot(environment = process.env) {
  if (environment.LODESTONE_CACHE) return environment.LODESTONE_CACHE;
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lodestone');
}

/** State of this clone; ignored by git. */
export const stateRoot = join(projectRoot, '.lodestone');

/**
 * What set-up found or built, for whoever starts servers (infra/stack, tests). Written whole or not at all:
 *   { "version": 1, "temporal": "/abs/temporal" | null, "minio": "/abs/minio" | null,
 *     "versitygw": "/abs/versitygw" | null, "tensorflow": "/abs/folder" }
 * Every path is absolute, of something that ran when it was written. null: this set-up was not to build it.
 */
export const toolchainFile = join(stateRoot, 'toolchain.json');
