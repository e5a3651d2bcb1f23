import { readdirSync, readlinkSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { createShardSource, RecordReader, type ShardFile } from '../../datasets/shard-source';
import { withFolder } from './temporary-folder';

const RECORD = 5;

/** Shards whose bytes tell their place: record p of shard s is filled with 16 s + p. */
async function withShards(sizes: readonly number[], use: (shards: ShardFile[]) => Promise<void>): Promise<void> {
  const files = Object.fromEntries(
    sizes.map((records, shard) => [
      `${shard}`,
      Buffer.concat(Array.from({ length: records }, (_, p) => Buffer.alloc(RECORD, 16 * shard + p))),
    ]),
  );
  await withFolder(files, (root) => use(sizes.map((records, shard) => ({ path: join(root, `${shard}`), records }))));
}

const readersMade: RecordReader[] = [];
afterEach(() => {
  for (const reader of readersMade.splice(0)) reader.close();
});

function readerOf(...given: ConstructorParameters<typeof RecordReader>): RecordReader {
  const reader = new RecordReader(...given);
  readersMade.push(reader);
  return reader;
}

describe('RecordReader', () => {
  test('gives the records asked for, in that order, however often and from wherever', async () => {
    await withShards([3, 1, 7], async (shards) => {
      const place = fc.constantFrom(
        ...shards.flatMap(({ records }, shard) =>
          Array.from({ length: records }, (_, position) => ({ shard, position })),
        ),
      );
      const reader = readerOf(shards, RECORD);
      await fc.assert(
        fc.asyncProperty(fc.array(place, { maxLength: 20 }), async (places) => {
          const batch = await reader.read(places);
          expect([...batch]).toEqual(
            places.flatMap(({ shard, position }) => Array<number>(RECORD).fill(16 * shard + position)),
          );
        }),
        { seed: 6, numRuns: 50 },
      );
    });
  });

  test('R1: two reads share no memory', async () => {
    await withShards([2], async (shards) => {
      const places = [{ shard: 0, position: 1 }];
      const reader = readerOf(shards, RECORD);
      const [one, other] = [await reader.read(places), await reader.read(places)];
      one.fill(99);
      expect([...other]).toEqual(Array<number>(RECORD).fill(1));
    });
  });

  test('a place outside, and a file that is cut short, are corrupt artifacts', async () => {
    await withShards([3], async (shards) => {
      const corrupt = (message: RegExp) => ({ kind: 'ArtifactCorrupt', message: expect.stringMatching(message) });
      const reader = readerOf(shards, RECORD);
      await expect(reader.read([{ shard: 0, position: 3 }])).rejects.toMatchObject(
        corrupt(/record 3 was asked for, it holds 3/),
      );
      await expect(reader.read([{ shard: 1, position: 0 }])).rejects.toMatchObject(
        corrupt(/shard 1: there are 1 shards/),
      );
      await truncate(shards[0].path, 2 * RECORD + 1);
      await expect(reader.read([{ shard: 0, position: 2 }])).rejects.toMatchObject(
        corrupt(/ends inside the record at byte 10/),
      );
    });
  });

  test('R2: files stay open from read to read, at most 512 of them, until they are closed or found broken', async () => {
    const openBelow = (folder: string): number =>
      readdirSync('/proc/self/fd').filter((file) => {
        try {
          return readlinkSync(join('/proc/self/fd', file)).startsWith(folder);
        } catch {
          return false; // the folder of descriptors itself, closed by now
        }
      }).length;
    const one = [{ shard: 0, position: 0 }];
    await withShards(Array<number>(600).fill(1), async (shards) => {
      const folder = dirname(shards[0].path);
      const reader = readerOf(shards, RECORD);
      for (let i = 0; i < 3; i++) await reader.read(one);
      expect(openBelow(folder)).toBe(1);
      await reader.read(shards.map((_, shard) => ({ shard, position: 0 })));
      expect(openBelow(folder)).toBe(512);
      reader.close();
      expect(openBelow(folder)).toBe(0);

      await reader.read(one);
      await truncate(shards[0].path, 1);
      await expect(reader.read(one)).rejects.toThrow(/ends inside the record/);
      await rm(shards[0].path);
      await writeFile(shards[0].path, Buffer.alloc(RECORD, 77));
      expect([...(await reader.read(one))]).toEqual(Array<number>(RECORD).fill(77));
    });
  });

  test('P7: a shard that is not there yet is fetched, and one that is there is read', async () => {
    await withShards([3, 4], async (shards) => {
      const asked: [number, readonly number[]][] = [];
      const places = [1, 0, 1, 0].map((shard, position) => ({ shard, position: position % 3 }));
      const fetch = (shard: number, positions: readonly number[]) => {
        asked.push([shard, positions]);
        const remote = Buffer.concat(positions.map((position) => Buffer.alloc(RECORD, 100 + position)));
        return Promise.resolve(shard === 0 ? remote : null);
      };
      const batch = await readerOf([{ path: '/nowhere', records: 3 }, shards[1]], RECORD, fetch).read(places);
      expect([...batch]).toEqual([16, 101, 18, 100].flatMap((byte) => Array<number>(RECORD).fill(byte)));
      expect(asked.sort()).toEqual([
        [0, [1, 0]],
        [1, [0, 2]],
      ]);
    });
  });

  test('P7: what comes for a fetched shard must be of the right length', async () => {
    const shards = [{ path: '/nowhere', records: 3 }];
    const short = () => Promise.resolve(new Uint8Array(RECORD - 1));
    await expect(readerOf(shards, RECORD, short).read([{ shard: 0, position: 0 }])).rejects.toMatchObject({
      kind: 'ArtifactCorrupt',
    });
  });
});

describe('createShardSource', () => {
  test('example i is record i of the manifest, wherever its shard places it', async () => {
    await withShards([2, 2], async (shards) => {
      const place = (shard: number, position: number) => ({
        path: `${shard}-${position}`,
        sha256: '',
        split: 'train' as const,
        labels: {},
        attributes: {},
        shard,
        position,
      });
      const source = createShardSource(
        {
          view: { edge: 1, channels: 1, invert: false },
          records: [place(0, 0), place(1, 1), place(0, 1)],
          shards: shards.map(({ records }) => ({ sha256: '', records: records * RECORD })),
        },
        shards.map(({ path }) => path),
      );
      expect([source.edge, source.channels]).toEqual([1, 1]);
      expect([...(await source.read([1, 0, 1, 2]))]).toEqual([16, 0, 16, 0]);
      source.close();
    });
  });
});
