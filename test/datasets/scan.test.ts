import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { DataOptions } from '../../config/recipe';
import { buildManifest, manifestDigest } from '../../datasets/manifest';
import { packShard } from '../../datasets/pack';
import { writeSpeciesFolder } from '../../datasets/procedural/folder';
import { KnownDigests, withImageFile } from '../../datasets/image-file';
import { planShards, scanDataSet, type ScanOptions } from '../../datasets/scan';
import { redAndBlue } from './made-images';
import { withFolder } from './temporary-folder';

const options: ScanOptions = DataOptions.parse({ drawnTest: 0.25 });
const view = { edge: 6, channels: 3, invert: false } as const;
const limits = { maxPixels: 1_000_000, failOn: 'error' } as const;

async function photos(): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = { 'pear/broken.jpg': Buffer.from('oops') };
  for (const kind of ['apple', 'pear']) {
    for (let i = 0; i < 10; i++)
      files[`${kind}/${i}.jpg`] = await redAndBlue(8 + i, kind === 'pear' ? 9 : 8)
        .jpeg()
        .toBuffer();
  }
  return files;
}

async function prepare(root: string, shardBytes: number) {
  const scan = await scanDataSet(root, options);
  const shards = [];
  for (const files of planShards(scan.records, 6 * 6 * 3, shardBytes)) {
    shards.push(await packShard({ files, view, limits }, { withFile: (path, use) => withImageFile(root, path, use) }));
  }
  return { scan, shards, manifest: buildManifest(scan, shards, { view, maxQuarantined: 0.1 }) };
}

describe('scanDataSet', () => {
  test('a folder of photos with nothing else said becomes a manifest, twice the same', async () => {
    await withFolder(await photos(), async (root) => {
      const { scan, manifest } = await prepare(root, 700);
      expect(scan.choice).toEqual({ label: 'class' });
      expect(manifest.records.length).toBe(20);
      expect(manifest.shards.map(({ records }) => records)).toEqual([6, 6, 6, 2]);
      expect(manifest.quarantined.map(({ path }) => path)).toEqual(['pear/broken.jpg']);
      const counts = (split: string): number => manifest.records.filter((record) => record.split === split).length;
      expect(counts('train') + counts('validation') + counts('test')).toBe(20);
      expect(Math.min(counts('train'), counts('validation'), counts('test'))).toBeGreaterThan(0);
      expect(manifestDigest((await prepare(root, 700)).manifest)).toBe(manifestDigest(manifest));
    });
  });

  test('every column of words is kept as a label, so another label needs no new shards', async () => {
    await withFolder({}, async (root) => {
      const { directory } = await writeSpeciesFolder(join(root, 'set'), {
        seed: 1,
        coarseClasses: 2,
        speciesPerClass: 3,
        imagesPerSpecies: 8,
        size: 8,
      });
      const coarse = await scanDataSet(directory, { ...options, label: 'coarse', fineLabel: 'fine' });
      const texture = await scanDataSet(directory, { ...options, label: 'texture' });
      expect(Object.keys(coarse.records[0]?.labels ?? {})).toEqual(['coarse', 'fine', 'texture']);
      const content = ({ records }: typeof coarse): string[] => records.map(({ path, sha256 }) => `${path} ${sha256}`);
      expect(content(texture)).toEqual(content(coarse));
      expect(texture.records.map(({ labels }) => labels)).toEqual(coarse.records.map(({ labels }) => labels));
    });
  });

  test('a class of one training image is refused before any file is read', async () => {
    await withFolder({ ...(await photos()), 'fig/only.jpg': 'x' }, async (root) => {
      let read = 0;
      await expect(scanDataSet(root, options, { onFile: () => read++ })).rejects.toThrow(
        /label class: fig has one training image/,
      );
      expect(read).toBe(0);
    });
  });

  test('notes what it hashed for whoever packs the same files', async () => {
    const soon = Date.now() + 3000; // the files have stood for a while
    const clock = jest.spyOn(Date, 'now').mockReturnValue(soon);
    try {
      await withFolder(await photos(), async (root) => {
        const digests = new KnownDigests();
        const { records } = await scanDataSet(root, options, { digests });
        const noted = await Promise.all(
          records.map(({ path }) => withImageFile(root, path, ({ identity }) => digests.find(identity))),
        );
        expect(noted).toEqual(records.map(({ sha256 }) => sha256));
      });
    } finally {
      clock.mockRestore();
    }
  });

  test('stops when it is told to, and names a file that it cannot read', async () => {
    await withFolder(await photos(), async (root) => {
      await expect(scanDataSet(root, options, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
      const stopped = new AbortController();
      await expect(
        scanDataSet(root, options, { signal: stopped.signal, onFile: () => stopped.abort() }),
      ).rejects.toThrow(/aborted/);
      await rm(join(root, 'apple/1.jpg'));
      await expect(
        withImageFile(root, 'apple/1.jpg', ({ bytes }) => bytes.length, 'metadata.csv line 3'),
      ).rejects.toMatchObject({
        kind: 'DataRejected',
        message: expect.stringMatching(
          /^metadata\.csv line 3: apple\/1\.jpg cannot be read: ENOENT.*Make it readable, or remove it/,
        ),
      });
    });
  });
});

test('planShards keeps the order, fills every shard but the last, and never exceeds the size unless one record does', () => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 500 }),
      (count, recordBytes, shardBytes) => {
        const records = Array.from({ length: count }, (_, i) => i);
        const shards = planShards(records, recordBytes, shardBytes);
        expect(shards.flat()).toEqual(records);
        const sizes = shards.map((shard) => shard.length);
        expect(new Set(sizes.slice(0, -1)).size).toBeLessThanOrEqual(1);
        for (const size of sizes) expect(size === 1 || size * recordBytes <= shardBytes).toBe(true);
      },
    ),
    { seed: 5, numRuns: 200 },
  );
});
