/** Whole files as Node's own `readFile` reads them, the odd ones too. */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
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

describe('the identity of a file', () => {
  const later = (): number => Date.now() + 3000; // a clock by which what is written now has stood for three seconds
  const identityAt = async (path: string, clock?: () => number): Promise<string | null> => {
    const { identity, giveBack } = await readWholeFile(path, clock);
    giveBack();
    return identity;
  };

  /** Until what is written now has another time than the file: the file system's clock ticks some hundred times a second. */
  const letClockTick = (path: string): void => {
    const changed = (file: string): bigint => statSync(file, { bigint: true }).ctimeNs;
    const probe = join(folder, 'probe');
    do writeFileSync(probe, 'bytes');
    while (changed(probe) === changed(path));
  };

  test('stays while nobody writes the file, and is that of no other', async () => {
    const [one, other] = ['same', 'twin'].map((name) => join(folder, name));
    for (const path of [one, other]) writeFileSync(path, 'bytes');
    const first = await identityAt(one, later);
    expect(first).not.toBeNull();
    expect(await identityAt(one, later)).toBe(first);
    expect(await identityAt(other, later)).not.toBe(first);
  });

  test('changes with the content, though size and time of writing be set back', async () => {
    const path = join(folder, 'rewritten');
    writeFileSync(path, 'bytes');
    const { atime, mtime } = statSync(path);
    const first = await identityAt(path, later);
    letClockTick(path);
    writeFileSync(path, 'other');
    utimesSync(path, atime, mtime);
    expect(statSync(path)).toMatchObject({ size: 5, mtime });
    expect(await identityAt(path, later)).not.toBe(first);
  });

  test('is not told where the next write might leave it as it is: just after a write, or without a size', async () => {
    const path = join(folder, 'young');
    writeFileSync(path, 'bytes');
    expect(await identityAt(path)).toBeNull();
    expect(await identityAt('/proc/self/cmdline', later)).toBeNull();
  });

  test('is not told where the file was written while it was read', async () => {
    const path = join(folder, 'busy');
    writeFileSync(path, 'bytes');
    letClockTick(path);
    const reading = readWholeFile(path, () => {
      queueMicrotask(() => writeFileSync(path, 'other')); // after the look at the file that follows, before its bytes are there
      return later();
    });
    expect((await reading).identity).toBeNull();
  });
});
