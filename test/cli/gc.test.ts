/** Which runs `lodestone gc` looks through, and what it says. The server is a fake: a real run cannot be held open for it. */
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/common';
import { gcOn, type GcOptions } from '../../cli/commands/gc';
import { contextOf } from '../../cli/context';
import type { Servers } from '../../cli/servers';
import { canonicalJson, digestOf, sha256Hex } from '../../config/canonical-json';
import { FileStore } from '../../storage/file-store';
import { runLayout } from '../../storage/run-layout';
import { keysOf } from '../storage/support/faulty-store';
import { freshFolder } from '../storage/support/temporary-folder';
import { captured } from './support';

const blob = (run: string): string => `runs/${run}/blobs/${'a'.repeat(64)}`;

/**
 * @param asked is called with each name that the server is asked for, before it answers
 * @returns with blobs a second old: what is written in the very millisecond of the command counts as younger than it
 */
async function holding(
  runs: readonly string[],
  open: readonly string[],
  asked: (run: string) => void = () => undefined,
): Promise<Servers> {
  const store = new FileStore(await freshFolder());
  const aSecondAgo = new Date(Date.now() - 1000);
  for (const run of runs) {
    await store.put(`runs/${run}/run.json`, Buffer.from('{}'));
    await store.put(blob(run), Buffer.from('what an attempt left that died'));
    await utimes(join(store.folder, blob(run)), aSecondAgo, aSecondAgo);
  }
  const getHandle = (workflowId: string) => ({
    describe: () => {
      asked(workflowId);
      if (!runs.includes(workflowId)) return Promise.reject(new WorkflowNotFoundError('none', workflowId, undefined));
      const status = { name: open.includes(workflowId) ? 'RUNNING' : 'COMPLETED' };
      return Promise.resolve({ workflowId, type: 'trainPipeline', status, startTime: new Date(0), raw: {} });
    },
  });
  const client = {
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
    workflow: { getHandle },
  };
  return { client, store } as unknown as Servers;
}

async function collect(servers: Servers, run: string | undefined, options: GcOptions = {}) {
  const context = captured(await freshFolder());
  const code = await gcOn(contextOf(context), servers, run, { grace: '0', ...options });
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
  expect(said).toContain('60\u00A0B of 2 runs deleted');
  for (const one of ['fair', 'fair--softmax'])
    expect(said).toContain(`${one}: left as it is: fair--magnet is under way.`);
  expect(said).toContain('fair--magnet: left as it is: it is under way.');
});

test('one run goes with those that it began, and no other whose name begins alike', async () => {
  const { left } = await collect(await holding(['fair', 'fair--magnet', 'fairness'], []), 'fair');
  expect(left).toEqual([blob('fairness')]);
});

test('--dry-run deletes nothing; afterwards there is as much to delete as it said, and then nothing', async () => {
  const servers = await holding(['r'], []);
  const json = async (options: GcOptions): Promise<unknown> =>
    JSON.parse((await collect(servers, 'r', { ...options, json: true })).said);
  const found = { run: 'r', bytes: 30, checkpoints: 0, parts: 0, blobs: 1, damaged: [] };
  expect(await json({ dryRun: true })).toEqual({ deleted: false, bytes: 30, runs: [found], left: [] });
  expect(await json({})).toEqual({ deleted: true, bytes: 30, runs: [found], left: [] });
  expect(await json({})).toEqual({ deleted: true, bytes: 0, runs: [{ ...found, bytes: 0, blobs: 0 }], left: [] });
  expect((await collect(servers, undefined)).said).toContain('Nothing to delete in 1 run.');
});

test('what was written within the last hour is spared, or within as many minutes as are said', async () => {
  const servers = await holding(['r'], []);
  for (const grace of [undefined, '2']) {
    const context = captured(await freshFolder());
    await gcOn(contextOf(context), servers, 'r', { grace });
    expect(await blobsIn(servers)).toEqual([blob('r')]);
    const minutes = `${grace ?? 60} minutes`;
    expect(context.stdout()).toBe(`Nothing to delete in 1 run; what is younger than ${minutes} is spared (--grace).\n`);
  }
  for (const grace of ['an hour', '', '-1', 'Infinity', '1e99'])
    await expect(collect(servers, 'r', { grace })).rejects.toMatchObject({ kind: 'InvalidConfig' });
});

test('an open run is refused by name, also for one of its family', async () => {
  const refusal = (open: string) => ({
    kind: 'InvalidConfig',
    message: expect.stringContaining(`${open} is under way`) as string,
  });
  await expect(collect(await holding(['r'], ['r']), 'r')).rejects.toMatchObject(refusal('r'));
  const family = await holding(['r', 'r--magnet'], ['r--magnet']);
  await expect(collect(family, 'r')).rejects.toMatchObject(refusal('r--magnet'));
  expect(await blobsIn(family)).toEqual(['r', 'r--magnet'].map(blob).sort());
});

test('one that begins while it is looked through is left as it is', async () => {
  const open: string[] = [];
  const servers = await holding(['r'], open, () => setImmediate(() => open.push('r')));
  const { said, left } = await collect(servers, undefined);
  expect(said).toContain('r: left as it is: began while it was looked through.');
  expect(left).toEqual([blob('r')]);
});

test('what is no run, and a run that cannot be read, keep no other from being looked through', async () => {
  const servers = await holding(['a', 'b'], []);
  const foreign = { uri: 's3://elsewhere/x', sha256: 'b'.repeat(64), bytes: 1 };
  const manifest = Buffer.from(
    canonicalJson({
      ...{ version: 1, position: { phase: 'train', epoch: 1, step: 1, globalStep: 1 }, parent: null, index: null },
      ...{ tensors: foreign, curve: foreign, seed: 1, fingerprint: {} },
    }),
  );
  const end = {
    manifest: { ...foreign, uri: 's3://elsewhere/end' },
    ...{ digest: 'c'.repeat(64), position: { phase: 'train', epoch: 1, step: 2, globalStep: 2 } },
  };
  await servers.store.put(runLayout('a').checkpoint('train', 1, sha256Hex(manifest)), manifest);
  const record = runLayout('a').epoch('train', 1, digestOf({ checkpoint: null, index: null }));
  await servers.store.put(record, Buffer.from(canonicalJson({ checkpoint: end })));
  await servers.store.put('runs/Not a run/x.json', Buffer.from('{}'));
  const { said, left } = await collect(servers, undefined);
  expect(said).toMatch(/^a: left as it is: s3:\/\/elsewhere\/end: must begin with /m);
  expect(left).toEqual([blob('a')]);
});

test('damage is named, and keeps the files of its run', async () => {
  const servers = await holding(['a', 'b'], []);
  await servers.store.put('runs/a/indices/x.json', Buffer.from('{"cut'));
  const { said, left } = await collect(servers, undefined);
  expect(said).toContain('a: its files stay, they may be what mends it: runs/a/indices/x.json: is not JSON');
  expect(left).toEqual([blob('a')]);
});

test('a name that the store does not hold is not found, with the nearest that there is', async () => {
  await expect(collect(await holding(['photos'], []), 'photo')).rejects.toMatchObject({
    kind: 'RunNotFound',
    message: expect.stringContaining('Did you mean photos?') as string,
  });
});
