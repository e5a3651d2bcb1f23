/** The built trainer child under its host: records that are not on the disk come over the channel, bit for bit. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TrainerHost, TrainerHooks } from '../../../activities/trainer/host';
import type { RefreshWork } from '../../../activities/trainer/protocol';
import { Recipe } from '../../../config/recipe';
import type { FetchRecords } from '../../../datasets/shard-source';
import { data, source } from '../../learning/training/toy';
import { freshFolder } from '../../storage/support/temporary-folder';
import { builtHost, writeToySet } from './toy-trainer';

const recordBytes = source.edge * source.edge * source.channels;
let host: TrainerHost;
let files: Awaited<ReturnType<typeof writeToySet>>;
let shard: Uint8Array;

beforeAll(async () => {
  host = await builtHost();
  files = await writeToySet(await freshFolder());
  shard = await readFile(files.shards[0]);
}, 120_000);
afterAll(() => host.kill());

/** @returns the digest of the index that the initial weights give */
async function refreshed(shardFile: string, fetch: FetchRecords): Promise<string> {
  const work: RefreshWork = {
    type: 'refresh',
    id: randomUUID(),
    load: {
      recipe: Recipe.parse({
        data: { label: 'kind' },
        network: { inputSize: 16, embeddingSize: 8 },
        magnet: { clustersPerClass: 2 },
        warmStart: { epochs: 0 },
      }),
      manifest: files.manifest,
      shards: [shardFile],
    },
    from: null,
    scratch: await freshFolder(),
    parts: [],
    checkpointSeconds: 1e6,
    share: { at: 0, of: 1 },
    epoch: 1,
    previous: null,
  };
  const hooks: TrainerHooks = {
    onStep: () => undefined,
    onProgress: () => undefined,
    commit: () => Promise.reject(new Error('a refresh has no checkpoints')),
    keepPart: () => Promise.reject(new Error('there is one part only')),
    findPart: () => Promise.reject(new Error('nobody else embeds')),
    fetch,
    isFilling: () => false,
  };
  const { result } = await host.perform(
    work,
    { threads: 1, kernels: 'proven', deterministic: true, tf32: false, trace: false },
    hooks,
  );
  if (result.type !== 'refreshed') throw new Error(result.type);
  return createHash('sha256')
    .update(await readFile(result.tensors))
    .digest('hex');
}

test('P7: an index of records that came over the channel is that of records on the disk; other records give another', async () => {
  const asked: number[] = [];
  const remote =
    (bytes: Uint8Array): FetchRecords =>
    (_, positions) => {
      asked.push(...positions);
      return Promise.resolve(
        Buffer.concat(positions.map((at) => bytes.subarray(at * recordBytes, (at + 1) * recordBytes))),
      );
    };
  const local = await refreshed(files.shards[0], () => Promise.resolve(null));
  expect(await refreshed(`${files.shards[0]} that is not there`, remote(shard))).toBe(local);
  expect(new Set(asked).size).toBeGreaterThanOrEqual(data.train.length);
  expect(await refreshed(`${files.shards[0]} that is nowhere`, remote(shard.map((byte) => 255 - byte)))).not.toBe(
    local,
  );
}, 120_000);
