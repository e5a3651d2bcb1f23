/** What is known of files by their identity. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '../../config/canonical-json';
import { KnownDigests, withImageFile } from '../../datasets/image-file';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a file is hashed once for each identity, and each time without one', () => {
  const digests = new KnownDigests();
  expect(digests.of(bytesOf('cat'), 'one')).toBe(sha256Hex(bytesOf('cat')));
  expect(digests.of(bytesOf('dog'), 'two')).toBe(sha256Hex(bytesOf('dog')));
  expect(digests.of(bytesOf('not read'), 'one')).toBe(sha256Hex(bytesOf('cat')));
  expect(digests.of(bytesOf('cat'), null)).toBe(sha256Hex(bytesOf('cat')));
  expect(digests.of(bytesOf('dog'), null)).toBe(sha256Hex(bytesOf('dog')));
});

test('the oldest are forgotten, which costs time alone', () => {
  const digests = new KnownDigests(2);
  for (const name of ['one', 'two', 'three']) digests.of(bytesOf(name), name);
  expect(digests.of(bytesOf('hashed'), 'one')).toBe(sha256Hex(bytesOf('hashed'))); // and takes the place of `two`
  expect(digests.of(bytesOf('not read'), 'three')).toBe(sha256Hex(bytesOf('three')));
});

test('an image file has the digest of its bytes, before and after it is written anew', async () => {
  const root = mkdtempSync(join(tmpdir(), 'lodestone-image-file-'));
  try {
    for (const content of ['cat', 'dog', 'cat']) {
      writeFileSync(join(root, 'a.jpg'), content);
      const [bytes, sha256] = await withImageFile(root, 'a.jpg', (file) => [
        Uint8Array.from(file.bytes),
        file.sha256(),
      ]);
      expect([bytes, sha256]).toEqual([bytesOf(content), sha256Hex(bytesOf(content))]);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});
