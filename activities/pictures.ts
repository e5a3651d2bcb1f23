/** Small pictures of records for reports: what the network was shown, as PNG data URIs. */
import sharp from 'sharp';
import { createShardSource } from '../datasets/shard-source';
import type { LocalDataSet } from './data-set';

const EDGE = 64;

/** @param paths of records; unknown ones are left out */
export async function picturesOf(
  { manifest, shards }: LocalDataSet,
  paths: Iterable<string>,
): Promise<Map<string, string>> {
  const source = createShardSource(manifest, shards);
  const places = new Map(manifest.records.map(({ path }, i) => [path, i]));
  const pictures = new Map<string, string>();
  for (const path of new Set(paths)) {
    const place = places.get(path);
    if (place === undefined) continue;
    const raw = { width: source.edge, height: source.edge, channels: source.channels };
    const png = await sharp(await source.read([place]), { raw })
      .resize(EDGE, EDGE)
      .png({ palette: true, compressionLevel: 9 })
      .toBuffer();
    pictures.set(path, `data:image/png;base64,${png.toString('base64')}`);
  }
  return pictures;
}
