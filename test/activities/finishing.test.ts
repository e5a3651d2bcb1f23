/** The end of a run and of a comparison, from what trainers left in a real store. No Temporal server, no trainer process. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createFinishing } from '../../activities/finishing';
import type { ComparisonRequest, FinishedRun, FinishRequest } from '../../activities/requests';
import { CheckpointManifest, type ObjectRef, type RunResult } from '../../config/artifacts';
import { digestOf } from '../../config/canonical-json';
import { LocalCache } from '../../storage/cache';
import { readManifest } from '../../storage/commits';
import { FileStore } from '../../storage/file-store';
import { runLayout } from '../../storage/run-layout';
import { keyOf } from '../../storage/store';
import { flipOneByte } from '../storage/support/faulty-store';
import { freshFolder } from '../storage/support/temporary-folder';
import { storedRun, type Machines } from './stored-run';

const RUN = 'compared--magnet';
let store: FileStore;
let request: FinishRequest;
let finishing: ReturnType<typeof createFinishing>;

beforeEach(async () => {
  store = new FileStore(await freshFolder());
  request = await storedRun(store, RUN);
  const cache = new LocalCache(await freshFolder(), { maxBytes: 1e9 });
  finishing = createFinishing({ store, cache, directory: await freshFolder() }, '0');
});

const finish = (): Promise<FinishedRun> =>
  new MockActivityEnvironment().run((given: FinishRequest) => finishing.finishRun(given), request);

/** Finishes the run. @returns what writes the comparison that it belongs to */
async function compared(): Promise<() => Promise<ObjectRef>> {
  const { result } = await finish();
  const { data, recipe, warmStart } = request;
  const objectives = [{ objective: 'magnet', run: RUN, result }] as const;
  const comparison: ComparisonRequest = { name: 'compared', data, recipe, status: 'finished', objectives, warmStart };
  return () =>
    new MockActivityEnvironment().run((given: ComparisonRequest) => finishing.writeComparison(given), comparison);
}

describe('damage is not tried again for ever', () => {
  it('of a run that a comparison has finished: what is damaged, and a way out that leads out', async () => {
    const comparing = await compared();
    const { curve } = await readManifest(store, request.checkpoint.manifest, CheckpointManifest);
    await flipOneByte(store, keyOf(store, curve.uri));
    const failure = await comparing().catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'InputRejected', nonRetryable: true });
    const { message } = failure as Error;
    expect(message).toContain(`records of the run ${RUN}: ${curve.uri}`);
    expect(message).toContain('For a finished run, restore the object, or train anew with --again.');
    expect(message).not.toContain('goes back');
  });

  it('of a checkpoint that a comparison’s run has lost', async () => {
    const comparing = await compared();
    await store.delete(keyOf(store, request.warmStart.manifest.uri));
    await expect(comparing()).rejects.toMatchObject({ type: 'InputRejected', nonRetryable: true });
  });

  it('of the data set: preprocessing makes it anew', async () => {
    await flipOneByte(store, keyOf(store, request.dataSet.uri));
    await expect(finish()).rejects.toMatchObject({ type: 'DataRejected', nonRetryable: true });
  });

  it.each(['', '{"type":"attempt"', '[]', '{"type":"attempt"}'])('of an event: passed over, %j', async (text) => {
    await store.put(runLayout(RUN).event('damaged.json'), Buffer.from(text));
    expect((await finish()).result.status).toBe('finished');
  });
});

describe('a result is identical only where all of it was computed in one environment', () => {
  const other = { cpu: 'another' };
  const here = { cpu: 'this one' };
  const finishOn = async (machines: Machines): Promise<RunResult> => {
    request = await storedRun(store, `on-${digestOf(machines).slice(0, 8)}`, machines);
    return (await finish()).result;
  };

  it('one throughout, or one that earlier versions did not name: identical', async () => {
    expect((await finishOn({})).reproducibility).toBe('identical');
    expect((await finishOn({ index: null, evaluation: null })).reproducibility).toBe('identical');
  });

  it.each<[string, Machines]>([
    ['an epoch', { epoch: { fingerprint: other } }],
    ['the first steps of an epoch', { epoch: { fingerprint: here, otherFingerprints: [other] } }],
    ['an index that an epoch used', { index: other }],
    ['the evaluation', { evaluation: other }],
  ])('%s on another machine: equivalent, and no digest of the result is another', async (_, machines) => {
    const { reproducibility, digests } = await finishOn(machines);
    expect(reproducibility).toBe('equivalent');
    expect(digests).toEqual((await finishOn({})).digests);
  });
});
