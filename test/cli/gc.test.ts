/** Which runs `lodestone gc` looks through, and what it says. The server is a fake: a real run cannot be held open for it. */
import { WorkflowNotFoundError } from '@temporalio/common';
import { gcOn } from '../../cli/commands/gc';
import { contextOf } from '../../cli/context';
import type { Servers } from '../../cli/servers';
import { FileStore } from '../../storage/file-store';
import { keysOf } from '../storage/support/faulty-store';
import { freshFolder } from '../storage/support/temporary-folder';
import { captured } from './support';

const blob = (run: string): string => `runs/${run}/blobs/${'a'.repeat(64)}`;

/** @param asked is called with each name that the server is asked for, before it answers */
async function holding(
  runs: readonly string[],
  open: readonly string[],
  asked: (run: string) => void = () => undefined,
): Promise<Servers> {
  const store = new FileStore(await freshFolder());
  for (const run of runs) {
    await store.put(`runs/${run}/run.json`, Buffer.from('{}'));
    await store.put(blob(run), Buffer.from('what an attempt left that died'));
  }
  const getHandle = (workflowId: string) => ({
    describe: () => {
      asked(workflowId);
      if (!runs.includes(workflowId)) return Promise.reject(new WorkflowNotFoundError('none', workflowId, undefined));
      const status = { name: open.includes(workflowId) ? 'RUNNING' : 'COMPLETED' };
      return Promise.resolve({ workflowId, type: 'trainPipeline', status, startTime: new Date(0), raw: {} });
    },
  });
  async function* list() {
    for (const workflowId of runs)
      yield await Promise.resolve({ workflowId, type: 'trainPipeline', status: { name: 'COMPLETED' } });
  }
  const client = {
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
    workflow: { getHandle, list },
  };
  return { client, store } as unknown as Servers;
}

async function collect(servers: Servers, run: string | undefined, options: { dryRun?: boolean; json?: boolean } = {}) {
  const context = captured(await freshFolder());
  const code = await gcOn(contextOf(context), servers, run, options);
  return { code, said: context.stdout(), left: await blobsIn(servers) };
}

const blobsIn = async ({ store }: Servers): Promise<string[]> =>
  (await keysOf(store)).filter((key) => key.includes('/blobs/')).sort();

test('all runs that are closed; a family of which one run is open stays whole', async () => {
  const family = ['fair', 'fair--magnet', 'fair--softmax'];
  const servers = await holding(['alone', ...family, 'fairness'], ['fair--magnet']);
  const { code, said, left } = await collect(servers, undefined);
  expect(code).toBe(0);
  expect(left).toEqual(family.map(blob).sort());
  expect(said).toContain('60\u00A0B freed in 2 runs');
  expect(said).toContain('Left as they are, under way: fair, fair--magnet, fair--softmax.');
});

test('one run goes with those that it began, and no other whose name begins alike', async () => {
  const { left } = await collect(await holding(['fair', 'fair--magnet', 'fairness'], []), 'fair');
  expect(left).toEqual([blob('fairness')]);
});

test('--dry-run deletes nothing; afterwards there is as much to delete as it said, and then nothing', async () => {
  const servers = await holding(['r'], []);
  const json = async (options: { dryRun?: boolean }): Promise<unknown> =>
    JSON.parse((await collect(servers, 'r', { ...options, json: true })).said);
  const found = { run: 'r', bytes: 30, checkpoints: 0, parts: 0, blobs: 1 };
  expect(await json({ dryRun: true })).toEqual({ deleted: false, bytes: 30, runs: [found], open: [] });
  expect(await json({})).toEqual({ deleted: true, bytes: 30, runs: [found], open: [] });
  expect(await json({})).toEqual({ deleted: true, bytes: 0, runs: [{ ...found, bytes: 0, blobs: 0 }], open: [] });
  expect((await collect(servers, undefined)).said).toContain('Nothing to delete');
});

test('an open run is refused by name, also one that begins while it is looked through', async () => {
  const refusal = { kind: 'InvalidConfig', message: expect.stringContaining('r, which is under way') as string };
  const servers = await holding(['r'], ['r']);
  await expect(collect(servers, 'r')).rejects.toMatchObject(refusal);
  const open: string[] = [];
  const begins = await holding(['r'], open, () => setImmediate(() => open.push('r')));
  await expect(collect(begins, 'r')).rejects.toMatchObject(refusal);
  for (const each of [servers, begins]) expect(await blobsIn(each)).toEqual([blob('r')]);
});

test('a name that the store does not hold is not found, with the nearest that there is', async () => {
  await expect(collect(await holding(['photos'], []), 'photo')).rejects.toMatchObject({
    kind: 'RunNotFound',
    message: expect.stringContaining('Did you mean photos?') as string,
  });
});
