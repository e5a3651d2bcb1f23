import { sha256Hex } from '../../config/canonical-json';
import { packShard, type PackRequest, type PackSource } from '../../datasets/pack';
import { decodeImage } from '../../datasets/decode';
import { KnownDigests, type ImageFile } from '../../datasets/image-file';
import { busy, redAndBlue } from './made-images';

const view = { edge: 4, channels: 3, invert: false } as const;
const limits = { maxPixels: 1_000_000, failOn: 'error' } as const;

async function makeFiles(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < 12; i++)
    files.set(
      `${i}.png`,
      await redAndBlue(4 + i, 8)
        .png()
        .toBuffer(),
    );
  files.set('3.png', Buffer.from('broken'));
  files.set('7.png', await redAndBlue(8, 8).jpeg().toBuffer());
  return files;
}
const requestOf = (files: Map<string, Uint8Array>): PackRequest => ({
  files: [...files].map(([path, bytes]) => ({ path, sha256: sha256Hex(bytes) })),
  view,
  limits,
});
const readerOf =
  (files: Map<string, Uint8Array>): PackSource['withFile'] =>
  (path, use) =>
    use(fileOf(files.get(path) as Uint8Array));
const fileOf = (bytes: Uint8Array, identity: string | null = null): ImageFile => ({ bytes, identity });

describe('packShard', () => {
  test('K1: records stand in order, a quarantined file leaves no gap, and what was noticed is told', async () => {
    const files = await makeFiles();
    const progress: number[] = [];
    const shard = await packShard(requestOf(files), {
      withFile: readerOf(files),
      onFile: (done) => progress.push(done),
    });
    expect(shard.paths).toEqual([
      '0.png',
      '1.png',
      '2.png',
      '4.png',
      '5.png',
      '6.png',
      '7.png',
      '8.png',
      '9.png',
      '10.png',
      '11.png',
    ]);
    expect(shard.quarantined).toEqual([
      { path: '3.png', kind: 'unsupported', reason: expect.stringContaining('62 72 6f 6b') },
    ]);
    expect(shard.notes).toEqual([{ path: '7.png', note: 'is jpeg by its content, png by its name' }]);
    expect(shard.bytes.length).toBe(11 * 48);
    expect(shard.sha256).toBe(sha256Hex(shard.bytes));
    expect(progress).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));

    const alone = await packShard(
      { ...requestOf(files), files: [{ path: '9.png', sha256: sha256Hex(files.get('9.png') as Uint8Array) }] },
      { withFile: readerOf(files) },
    );
    expect(shard.bytes.subarray(8 * 48, 9 * 48)).toEqual(alone.bytes);
  });

  test('the same files give the same shard, however long each takes to read and wherever its bytes lie', async () => {
    const files = await makeFiles();
    const late: PackSource['withFile'] = async (path, use) => {
      await new Promise<void>((resolve) => (Number.parseInt(path) % 2 === 0 ? setImmediate : queueMicrotask)(resolve));
      return use(fileOf(files.get(path) as Uint8Array));
    };
    /** As a reader whose memory is the next file's as soon as one is done with. */
    const overwriting: PackSource['withFile'] = async (path, use) => {
      const lent = Uint8Array.from(files.get(path) as Uint8Array);
      const result = await use(fileOf(lent));
      lent.fill(0xff);
      return result;
    };
    const [one, ...others] = [
      await packShard(requestOf(files), { withFile: readerOf(files) }),
      await packShard(requestOf(files), { withFile: late }),
      await packShard(requestOf(files), { withFile: overwriting }),
    ];
    expect(others).toEqual([one, one]);
  });

  test('memory that is given, larger and full of something else, changes nothing', async () => {
    const files = await makeFiles();
    const alone = await packShard(requestOf(files), { withFile: readerOf(files) });
    const memory = new Uint8Array(2 * files.size * 48).fill(0xee);
    const given = await packShard(requestOf(files), { withFile: readerOf(files), memory });
    expect(given.bytes.buffer).toBe(memory.buffer);
    expect(given).toEqual(alone);
  });

  test('why a file cannot be decoded does not depend on what is decoded beside it', async () => {
    const [png, jpeg] = [await busy(40, 30).png().toBuffer(), await busy(40, 30).jpeg().toBuffer()];
    const files = new Map<string, Uint8Array>();
    for (let i = 0; i < 60; i++) {
      files.set(`${i}-cut.png`, png.subarray(0, 60 + i));
      files.set(`${i}.png`, png);
      files.set(`${i}-cut.jpg`, jpeg.subarray(0, 200 + i));
    }
    const { quarantined } = await packShard(requestOf(files), { withFile: readerOf(files) });
    const alone = [];
    for (const [path, bytes] of files) {
      const outcome = await decodeImage(bytes, path, view, limits);
      if (outcome.type === 'quarantined') alone.push({ path, kind: outcome.kind, reason: outcome.reason });
    }
    expect(alone).toHaveLength(120);
    expect(quarantined).toEqual(alone);
  });

  test('K2: bytes that are not those of the scan are an error, not another record', async () => {
    const files = await makeFiles();
    const request = requestOf(files);
    files.set('5.png', files.get('6.png') as Uint8Array);
    await expect(packShard(request, { withFile: readerOf(files) })).rejects.toThrow(
      /5\.png: its bytes changed since the data set was scanned/,
    );
  });

  test('K2: a file is what the scan noted under its identity, and is hashed where nothing is noted', async () => {
    const files = await makeFiles();
    const request = requestOf(files);
    const digests = new KnownDigests();
    const packed = (identityOf: (path: string) => string | null): Promise<unknown> =>
      packShard(request, {
        withFile: (path, use) => use(fileOf(files.get(path) as Uint8Array, identityOf(path))),
        digests,
      });
    digests.note('of 5.png', sha256Hex(files.get('6.png') as Uint8Array));
    await expect(packed((path) => `of ${path}`)).rejects.toThrow(/5\.png: its bytes changed/);
    await expect(packed(() => null)).resolves.toBeDefined();
    digests.note('of 5.png', sha256Hex(files.get('5.png') as Uint8Array));
    await expect(packed((path) => `of ${path}`)).resolves.toBeDefined();
    expect(digests.find('of 6.png')).toBeUndefined(); // packing notes nothing: it would drive out what is still to come
  });

  test('stops when it is told to', async () => {
    const files = await makeFiles();
    const controller = new AbortController();
    const packing = packShard(requestOf(files), {
      withFile: readerOf(files),
      signal: controller.signal,
      onFile: () => controller.abort(),
    });
    await expect(packing).rejects.toThrow(/aborted/);
  });
});
