/**
 * One contestant of `preprocess.bench.ts` in a process of its own: the product's activities, or bare sharp. A turn is the
 * whole folder. Ours begins each turn with an empty store: it would find what is there and decode nothing.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { MockActivityEnvironment } from '@temporalio/testing';
import sharp, { type Sharp } from 'sharp';
import { createDecoding, createPreprocessing, SHARDS_AT_ONCE } from '../../activities/preprocessing';
import type { Services } from '../../activities/services';
import { ShardReport } from '../../config/artifacts';
import { Recipe } from '../../config/recipe';
import { KnownDigests } from '../../datasets/image-file';
import { mapInFlight } from '../../datasets/in-flight';
import type { ShardReport as PackedReport } from '../../datasets/manifest';
import { FILES_IN_FLIGHT } from '../../datasets/pack';
import { scanDataSet } from '../../datasets/scan';
import { recordBytesOf, viewFor } from '../../datasets/view';
import { LocalCache } from '../../storage/cache';
import { readManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { dataSets } from '../../storage/run-layout';
import { serveTurns, type Work } from './interleave';
import type { PreprocessTask, PreprocessVariant } from './preprocess-cases';

const task = JSON.parse(process.argv[2] ?? '') as PreprocessTask;
const variant = process.argv[3] as PreprocessVariant;
const recipe = Recipe.parse({ data: { label: task.label }, network: { inputSize: task.inputSize } });
const view = viewFor(task.inputSize, recipe.data);
const { edge } = view;
const recordBytes = recordBytesOf(view);

serveTurns(() => {
  switch (variant) {
    case 'pack':
    case 'scan-and-pack':
      return activities(variant === 'scan-and-pack');
    case 'bare':
      return bareSharp(async (path) => sharp(await readFile(path)));
    case 'bare-paths':
      return bareSharp((path) => sharp(path));
  }
});

async function activities(scanCounts: boolean): Promise<Work> {
  const asked = { run: 'bench', data: { type: 'folder', path: task.folder } as const, recipe };
  const turn = async (look: (store: FileStore, packed: readonly PackedReport[]) => Promise<void>): Promise<number> => {
    const directory = await mkdtemp(join(task.scratch, 'turn-'));
    const store = new FileStore(join(directory, 'store'));
    const services: Services = { store, cache: new LocalCache(join(directory, 'cache'), { maxBytes: 1 }), directory };
    const digests = new KnownDigests();
    const preprocessing = createPreprocessing(services, digests);
    const decoding = createDecoding(services, digests);
    const begun = performance.now();
    const { scan, shards } = await inActivity(() => preprocessing.scanData(asked));
    const scanned = performance.now();
    const refs = await mapInFlight([...Array(shards).keys()], SHARDS_AT_ONCE, (shard) =>
      inActivity(() => decoding.packShard({ ...asked, scan, shard })),
    );
    const took = performance.now() - (scanCounts ? begun : scanned);
    await look(store, await Promise.all(refs.map((ref) => readManifest(store, ref, ShardReport))));
    await rm(directory, { recursive: true });
    return took;
  };
  const sums = { images: 0, bytes: 0 };
  await turn(async (store, packed) => {
    for (const { sha256, paths } of packed) {
      sums.images += paths.length;
      sums.bytes += sumOf((await store.get(dataSets.blobs + sha256)) ?? new Uint8Array(0));
    }
  });
  return {
    note: `${SHARDS_AT_ONCE} shards at once, ${FILES_IN_FLIGHT} files under way${scanCounts ? '; every file hashed before' : ''}`,
    values: sums,
    turn: () => turn(() => Promise.resolve()),
  };
}

/** In the context of an activity, which takes its heartbeats. */
function inActivity<R>(perform: () => Promise<R>): Promise<R> {
  return new MockActivityEnvironment().run<[], R, () => Promise<R>>(perform);
}

/** The same pixels in as many lanes, laid into one buffer. */
async function bareSharp(open: (path: string) => Sharp | Promise<Sharp>): Promise<Work> {
  sharp.cache(false);
  sharp.concurrency(1);
  const { root, records } = await scanDataSet(task.folder, recipe.data);
  const paths = records.map(({ path }) => join(root, path));
  const decode = async (): Promise<Uint8Array> => {
    const all = new Uint8Array(paths.length * recordBytes);
    await mapInFlight(paths, FILES_IN_FLIGHT, async (path, place) => {
      const image = (await open(path)).autoOrient().resize(edge, edge, { fit: 'cover', position: 'centre' });
      all.set(await image.toColourspace('srgb').raw().toBuffer(), place * recordBytes);
    });
    return all;
  };
  return {
    note: `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}, ${FILES_IN_FLIGHT} files under way`,
    values: { images: paths.length, bytes: sumOf(await decode()) },
    turn: async () => {
      const begun = performance.now();
      await decode();
      return performance.now() - begun;
    },
  };
}

function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte, 0);
}
