/** Whole files as Node's own `readFile` reads them, the odd ones too. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWholeFile } from '../../datasets/whole-file';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'lodestone-whole-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([1, 100, 4096, 300_000])('a file of %i bytes', async (size) => {
  const path = join(folder, String(size));
  writeFileSync(
    path,
    Uint8Array.from({ length: size }, (_, i) => (i * 37) % 251),
  );
  expect(Buffer.compare(await readWholeFile(path), readFileSync(path))).toBe(0);
});

test('an empty file, and one whose size is not told', async () => {
  writeFileSync(join(folder, 'empty'), '');
  expect((await readWholeFile(join(folder, 'empty'))).length).toBe(0);
  expect(Buffer.from(await readWholeFile('/proc/self/cmdline')).toString()).toMatch(/node/);
});

test('a folder, a missing file and one of 3 GiB are refused as Node refuses them', async () => {
  mkdirSync(join(folder, 'inner'));
  await expect(readWholeFile(join(folder, 'inner'))).rejects.toThrow(/EISDIR/);
  await expect(readWholeFile(join(folder, 'nothing'))).rejects.toThrow(/ENOENT/);
  writeFileSync(join(folder, 'huge'), '');
  truncateSync(join(folder, 'huge'), 3 * 2 ** 30);
  await expect(readWholeFile(join(folder, 'huge'))).rejects.toThrow(/greater than 2 GiB/);
});
