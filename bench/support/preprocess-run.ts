/** Preprocessing by the product, of drawn sets of several sizes: how long its parts took, by the history of the run. */
import { join } from 'node:path';
import { writeSpeciesFolder } from '../../datasets/procedural/folder';
import { speciesInput } from './epochs';
import { activityTimes, residentBytes, sleep, spanOf, withOwnStack, type ActivityTimes } from './own-stack';

export interface Preprocessing {
  readonly images: number;
  /** From the scan's start to the manifest. */
  readonly seconds: number;
  readonly scan: number;
  /** All shards, decoders side by side. */
  readonly decode: number;
  readonly assemble: number;
  /** The most that the worker had ever held by then. */
  readonly workerPeakBytes: number;
}

const SPECIES = { seed: 0, coarseClasses: 5, speciesPerClass: 20, size: 48 };
const LOOK_EVERY_MS = 500;

/** In the order given; multiples of a hundred. A run is ended as soon as its data set is there. */
export function preprocessSpecies(sizes: readonly number[]): Promise<Preprocessing[]> {
  return withOwnStack(async (stack) => {
    const found: Preprocessing[] = [];
    for (const images of sizes) {
      const folder = join(stack.folder, `images-${images}`);
      await writeSpeciesFolder(folder, { ...SPECIES, imagesPerSpecies: images / 100 });
      console.log(`  ${images} images are drawn`);
      const input = speciesInput({ epochs: 1, stepsPerEpoch: 1, checkpointSeconds: 120, threads: 1, images: 4 });
      const handle = await stack.start(`preprocess-${images}`, { ...input, data: { type: 'folder', path: folder } });
      let times: ActivityTimes[] = [];
      while (!times.some(({ type }) => type === 'assembleDataSet')) {
        if ((await handle.describe()).status.name !== 'RUNNING') await handle.result(); // throws, and says why
        await sleep(LOOK_EVERY_MS);
        times = await activityTimes(handle);
      }
      const pid = await stack.pidOf('worker');
      const workerPeakBytes = (pid === null ? null : residentBytes(pid)?.most) ?? NaN;
      await handle.terminate('bench: the data set is there');
      found.push({ images, workerPeakBytes, ...partsOf(times) });
    }
    return found;
  });
}

function partsOf(times: readonly ActivityTimes[]): Omit<Preprocessing, 'images' | 'workerPeakBytes'> {
  const [scan, decode, assemble] = ['scanData', 'packShard', 'assembleDataSet'].map((type) =>
    spanOf(times.filter((one) => one.type === type)),
  );
  const seconds = ({ begunMs, endedMs }: typeof scan): number => (endedMs - begunMs) / 1000;
  return {
    seconds: (assemble.endedMs - scan.begunMs) / 1000,
    scan: seconds(scan),
    decode: seconds(decode),
    assemble: seconds(assemble),
  };
}
