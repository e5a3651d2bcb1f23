/** Small pictures of records for reports: what the network was shown, as WebP data URIs. */
import sharp from 'sharp';
import { createShardSource } from '../datasets/shard-source';
import { recordBytesOf } from '../datasets/view';
import type { LocalDataSet } from './data-set';

/** Larger stored images are shown at this edge, pixels. */
const EDGE = 64;

/** @param paths of records; unknown ones are left out */
export async function picturesOf(
  { manifest, shards }: LocalDataSet,
  paths: Iterable<string>,
): Promise<Map<string, string>> {
  const source = createShardSource(manifest, shards);
  const raw = { width: source.edge, height: source.edge, channels: source.channels };
  const edge = Math.min(EDGE, source.edge);
  const places = new Map(manifest.records.map(({ path }, i) => [path, i]));
  const known = [...new Set(paths)].flatMap((path) => {
    const place = places.get(path);
    return place === undefined ? [] : [{ path, place }];
  });
  const pixels = await source.read(known.map(({ place }) => place)).finally(() => source.close());
  const bytes = recordBytesOf(source);
  return new Map(
    await Promise.all(
      known.map(async ({ path }, i): Promise<[string, string]> => {
        const picture = sharp(pixels.subarray(i * bytes, (i + 1) * bytes), { raw }).resize(edge, edge);
        const webp = await picture.webp({ quality: 85, effort: 2 }).toBuffer();
        return [path, `data:image/webp;base64,${webp.toString('base64')}`];
      }),
    ),
  );
}
