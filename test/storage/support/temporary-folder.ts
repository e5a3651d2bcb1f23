/** A fresh folder, removed when the tests of the file have run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

export async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lodestone-storage-'));
  made.push(folder);
  return folder;
}

afterAll(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});
