import { createHash } from 'node:crypto';
import { DataSetManifest, ScanManifest, ShardReport as ShardReportSchema } from '../../config/artifacts';
import { canonicalJson } from '../../config/canonical-json';
import { buildManifest, crossesSplits, manifestDigest, type ShardReport } from '../../datasets/manifest';
import type { Scan } from '../../datasets/scan';

type ScannedRecord = Scan['records'][number];

const view = { edge: 4, channels: 3, invert: false } as const;
const options = { view, maxQuarantined: 0.1 };

const record = (
  path: string,
  kind: string,
  split: ScannedRecord['split'] = 'train',
  sha256 = `sha of ${path}`,
): ScannedRecord => ({
  path,
  sha256,
  split,
  labels: { kind },
  attributes: {},
});

const records = [
  ...Array.from({ length: 10 }, (_, i) => record(`a/${i}.png`, 'a')),
  ...Array.from({ length: 9 }, (_, i) => record(`b/${i}.png`, 'b')),
  record('b/9.png', 'b', 'test', 'sha of a/0.png'),
];
const scan: Scan = { version: 1, root: 'photos', choice: { label: 'kind' }, records, notes: ['from the scan'] };

const report = (paths: string[], extra: Partial<ShardReport> = {}): ShardReport => ({
  sha256: `shard of ${paths.length}`,
  paths,
  quarantined: [],
  notes: [],
  ...extra,
});
const paths = records.map(({ path }) => path);
const broken = { path: 'a/3.png', kind: 'corrupt', reason: 'cut short' } as const;
const shards = [
  report(
    paths.slice(0, 8).filter((path) => path !== broken.path),
    { quarantined: [broken], notes: [{ path: 'a/1.png', note: 'is gif by its content, png by its name' }] },
  ),
  report(paths.slice(8)),
];

test('scan, shard reports and manifest pass through JSON and their schemas unchanged', () => {
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
  const hashed = <T extends { sha256: string }>(item: T): T => ({ ...item, sha256: digest(item.sha256) });
  const stored: Scan = { ...scan, choice: { label: 'kind', fineLabel: 'kind' }, records: records.map(hashed) };
  const reports = shards.map(hashed);
  const manifest = buildManifest(stored, reports, options);
  const through = (value: unknown): unknown => JSON.parse(canonicalJson(value));
  expect(ScanManifest.parse(through(stored))).toEqual(stored);
  expect(reports.map((item) => ShardReportSchema.parse(through(item)))).toEqual(reports);
  expect(DataSetManifest.parse(through(manifest))).toEqual(manifest);
});

describe('buildManifest', () => {
  test('M2: joins scan and shards in order; a quarantined file is listed and has no record', () => {
    const manifest = buildManifest(scan, shards, options);
    expect(manifest.records.map(({ path }) => path)).toEqual(paths.filter((path) => path !== broken.path));
    expect(manifest.records.slice(2, 8).map(({ path, shard, position }) => [path, shard, position])).toEqual([
      ['a/2.png', 0, 2],
      ['a/4.png', 0, 3],
      ['a/5.png', 0, 4],
      ['a/6.png', 0, 5],
      ['a/7.png', 0, 6],
      ['a/8.png', 1, 0],
    ]);
    expect(manifest.shards).toEqual([
      { sha256: 'shard of 7', records: 7 },
      { sha256: 'shard of 12', records: 12 },
    ]);
    expect(manifest.quarantined).toEqual([broken]);
    expect(manifest.notes).toEqual(['from the scan', 'a/1.png is gif by its content, png by its name']);
  });

  test('files of equal bytes are reported with their splits', () => {
    const { duplicates } = buildManifest(scan, shards, options);
    expect(duplicates).toEqual([
      {
        sha256: 'sha of a/0.png',
        members: [
          { path: 'a/0.png', split: 'train' },
          { path: 'b/9.png', split: 'test' },
        ],
      },
    ]);
    expect(duplicates.map(crossesSplits)).toEqual([true]);
  });

  test('more quarantined files than accepted fail the run, with counts and examples; the limit itself is accepted', () => {
    expect(() => buildManifest(scan, shards, { view, maxQuarantined: 0.04 })).toThrow(
      'quarantine: 1 of 20 files cannot be used (1 corrupt), at most 4 % are accepted. For example a/3.png: cut short. Repair or remove them, or accept a larger share.',
    );
    expect(buildManifest(scan, shards, { view, maxQuarantined: 0.05 }).quarantined.length).toBe(1);
  });

  test('M3: a class of which every file is quarantined is refused', () => {
    const lone = { ...scan, records: [...records, record('c/0.png', 'c', 'test')] };
    const lost = [...shards, report([], { quarantined: [{ ...broken, path: 'c/0.png' }] })];
    expect(() => buildManifest(lone, lost, options)).toThrow(
      /label kind: every image of c is quarantined, so the class would be empty/,
    );
  });

  test('shards of another scan are refused', () => {
    expect(() => buildManifest(scan, [report(['a/0.png', 'other.png'])], options)).toThrow(
      /other\.png: was packed but not scanned/,
    );
    expect(() => buildManifest(scan, shards.slice(1), options)).toThrow(
      /hold 12 records and 0 quarantined files, the scan has 20/,
    );
  });

  test('M1: the digest ignores the order of keys and sees every change', () => {
    const manifest = buildManifest(scan, shards, options);
    const digest = manifestDigest(manifest);
    const turned = Object.fromEntries(Object.entries(manifest).reverse()) as unknown as typeof manifest;
    expect(manifestDigest(turned)).toBe(digest);
    expect(
      manifestDigest(
        buildManifest({ ...scan, records: [...records.slice(0, -1), record('b/9.png', 'a', 'test')] }, shards, options),
      ),
    ).not.toBe(digest);
    expect(manifestDigest({ ...manifest, view: { ...view, invert: true } })).not.toBe(digest);
  });
});
