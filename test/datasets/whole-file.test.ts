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
  expect(Buffer.compare((await readWholeFile(path)).bytes, readFileSync(path))).toBe(0);
});

test('an empty file, and one whose size is not told', async () => {
  writeFileSync(join(folder, 'empty'), '');
  expect((await readWholeFile(join(folder, 'empty'))).bytes.length).toBe(0);
  expect(Buffer.from((await readWholeFile('/proc/self/cmdline')).bytes).toString()).toMatch(/node/);
});

test('a folder, a missing file and one of 3 GiB are refused as Node refuses them', async () => {
  mkdirSync(join(folder, 'inner'));
  await expect(readWholeFile(join(folder, 'inner'))).rejects.toThrow(/EISDIR/);
  await expect(readWholeFile(join(folder, 'nothing'))).rejects.toThrow(/ENOENT/);
  writeFileSync(join(folder, 'huge'), '');
  truncateSync(join(folder, 'huge'), 3 * 2 ** 30);
  await expect(readWholeFile(join(folder, 'huge'))).rejects.toThrow(/greater than 2 GiB/);
});

test('bytes stay until they are given back; then their memory is the next file’s', async () => {
  const write = (name: string, size: number, value: number): string => {
    const path = join(folder, name);
    writeFileSync(path, new Uint8Array(size).fill(value));
    return path;
  };
  const [one, other] = [write('one', 200_000, 1), write('other', 150_000, 2)];
  const first = await readWholeFile(one);
  const second = await readWholeFile(other);
  expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  expect(first.bytes.every((byte) => byte === 1)).toBe(true);

  first.giveBack();
  const third = await readWholeFile(other);
  expect(third.bytes.buffer).toBe(first.bytes.buffer);
  expect([third.bytes.length, third.bytes.every((byte) => byte === 2)]).toEqual([150_000, true]);
  for (const file of [second, third]) file.giveBack();
});
