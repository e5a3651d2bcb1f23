/** The reader on the photo sets beside the repository; skipped where they are absent. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DataOptions } from '../../config/recipe';
import { buildManifest } from '../../datasets/manifest';
import { packShard } from '../../datasets/pack';
import { withImageFile } from '../../datasets/image-file';
import { planShards, scanDataSet } from '../../datasets/scan';

const folder = resolve(__dirname, '../../../shared/datasets');
const sets = [
  {
    name: 'grocery',
    validation: null,
    counts: { train: 2640, validation: 296, test: 2485 },
    labels: ['top', 'coarse', 'fine'],
  },
  {
    name: 'fruits360_3body',
    validation: { type: 'lastFraction', fraction: 0.2, groupBy: 'fine', orderBy: 'frame_rank' },
    counts: { train: 2278, validation: 568, test: 1978 },
    labels: ['upstream_split', 'coarse', 'fine', 'axis'],
  },
  {
    name: 'omniglot_small',
    validation: { type: 'column', column: 'drawer_index', values: ['13', '14', '15'] },
    counts: { train: 2904, validation: 726, test: 1210 },
    labels: ['coarse', 'fine'],
  },
];

describe.each(sets)('$name', ({ name, validation, counts, labels }) => {
  const options = DataOptions.parse({ label: 'coarse', fineLabel: 'fine', validation });
  const root = join(folder, name);
  const present = existsSync(join(root, 'metadata.csv'));
  if (!present) console.warn(`skipped: there is no ${name} in ../shared/datasets`);

  (present ? test : test.skip)(
    'is scanned, split as its results were measured, and a shard of it packs without a quarantine',
    async () => {
      const scan = await scanDataSet(root, options);
      const counted = { train: 0, validation: 0, test: 0 };
      for (const { split } of scan.records) counted[split]++;
      expect(counted).toEqual(counts);
      expect(Object.keys(scan.records[0]?.labels ?? {})).toEqual(labels);

      const view = {
        edge: 63,
        channels: name === 'omniglot_small' ? 1 : 3,
        invert: name === 'omniglot_small',
      } as const;
      const every25th = { ...scan, records: scan.records.filter((_, i) => i % 25 === 0) };
      const limits = { maxPixels: 50_000_000, failOn: 'error' } as const;
      const shards = [];
      for (const files of planShards(every25th.records, view.edge ** 2 * view.channels, 1_000_000)) {
        const shard = await packShard(
          { files, view, limits },
          { withFile: (path, use) => withImageFile(root, path, use) },
        );
        expect(shard.bytes.length).toBe(shard.paths.length * view.edge ** 2 * view.channels);
        expect(new Set(shard.bytes).size).toBeGreaterThan(1); // a picture, not a blank
        shards.push(shard);
      }
      expect(shards.flatMap(({ quarantined, notes }) => [...quarantined, ...notes])).toEqual([]);
      expect(shards.flatMap(({ paths }) => paths)).toEqual(every25th.records.map(({ path }) => path));
    },
  );

  (present ? test : test.skip)(
    'makes a manifest in which no two files are of equal bytes, as its README says',
    async () => {
      const scan = await scanDataSet(root, options);
      const whole = { sha256: '', paths: scan.records.map(({ path }) => path), quarantined: [], notes: [] };
      const manifest = buildManifest(scan, [whole], {
        view: { edge: 63, channels: 3, invert: false },
        maxQuarantined: 0,
      });
      expect(manifest.records.length).toBe(scan.records.length);
      expect(manifest.duplicates).toEqual([]);
    },
  );
});
