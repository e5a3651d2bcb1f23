/** Which runs are listed, and what they are called. The server is a fake: a real one would have to hold a hundred runs. */
import { listedRuns, NEWEST } from '../../cli/listed-runs';
import { notFound } from '../../cli/commands/known-runs';
import type { Servers } from '../../cli/servers';
import { FileStore } from '../../storage/file-store';
import { freshFolder } from '../storage/support/temporary-folder';

async function holding(runs: readonly string[], ...keys: string[]): Promise<Servers> {
  const store = new FileStore(await freshFolder());
  for (const key of keys) await store.put(key, Buffer.from('{}'));
  async function* list() {
    for (const workflowId of runs)
      yield await Promise.resolve({
        workflowId,
        type: 'trainPipeline',
        status: { name: 'COMPLETED' },
        startTime: new Date(0),
      });
  }
  return { client: { workflow: { list } }, store } as unknown as Servers;
}

const namesOf = async (servers: Servers, withChildren: boolean): Promise<string[]> =>
  (await listedRuns(servers, withChildren)).map(({ run }) => run);

test('the runs of comparisons take no place among the newest, whatever their number', async () => {
  const children = Array.from({ length: NEWEST }, (_, i) => `many-${i}--magnet`);
  const servers = await holding([...children, 'older', 'older', 'oldest']);
  expect(await namesOf(servers, false)).toEqual(['older', 'oldest']);
  expect(await namesOf(servers, true)).toEqual(children);
});

test('what the server does not tell of is stored by its result, unfinished without; what is not begun is no run', async () => {
  const servers = await holding(
    ['known'],
    'runs/known/result.json',
    'runs/cut/blobs/0',
    'runs/cut/run.json',
    'runs/whole/result.json',
    'runs/whole/run.json',
    'runs/whole--magnet/result.json',
    'runs/whole--pairing-1/warm-start/0.json', // the warm start that its runs share
  );
  const byTheStore = { workflowType: null, started: null, closed: null };
  const [known, ...others] = await listedRuns(servers, false);
  expect(known).toMatchObject({ run: 'known', status: 'completed' });
  expect(others.sort((a, b) => a.run.localeCompare(b.run))).toEqual([
    { run: 'cut', status: 'unfinished', ...byTheStore },
    { run: 'whole', status: 'stored', ...byTheStore },
  ]);
  expect((await namesOf(servers, true)).sort()).toEqual(['cut', 'known', 'whole', 'whole--magnet']);
});

test('a wrong name is compared with the runs of comparisons only where it is like theirs', async () => {
  const children = Array.from({ length: 30 }, (_, i) => `many-${i}--magnet`);
  const servers = await holding([...children, 'photos']);
  expect((await notFound(servers, 'photo')).message).toMatch(/Did you mean photos\? There is photos\.$/);
  expect((await notFound(servers, 'many-1--magnt')).message).toMatch(/Did you mean many-1--magnet\?/);
});
