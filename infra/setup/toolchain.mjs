/**
 * toolchain.json: what set-up found or built, in one file that others read (its shape is in paths.mjs).
 * Written in one move, so that a reader sees the old one or the new one.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toolchainFile } from './paths.mjs';

export async function writeToolchain({ temporal, minio, versitygw, tensorflow }) {
  const text = `${JSON.stringify({ version: 1, temporal, minio, versitygw, tensorflow }, undefined, 2)}\n`;
  if ((await readFile(toolchainFile, 'utf8').catch(() => '')) === text) return;

  await mkdir(dirname(toolchainFile), { recursive: true });
  const temporary = `${toolchainFile}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, toolchainFile);
}
