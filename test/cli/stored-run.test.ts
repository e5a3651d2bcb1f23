import { boundRequestOf, extendedTo, requireSame, startRequestOf, storedOutcome } from '../../cli/stored-run';
import type { StartRequest } from '../../cli/run-client';
import type { Servers } from '../../cli/servers';
import { CompareInput, TrainPipelineInput } from '../../config/workflow-input';
import type { ObjectStore } from '../../storage/store';
import { outcomeOf, resultOf } from './support';

const data = { type: 'folder', path: '/data/photos' };
const run = (recipe: object): StartRequest => ({
  type: 'trainPipeline',
  input: TrainPipelineInput.parse({ version: 1, data, recipe }),
});

test('an open run is attached to by the same configuration, whatever its free fields', () => {
  expect(() => requireSame('mine', run({ epochs: 4 }), run({ epochs: 4, checkpointSeconds: 1 }), true)).not.toThrow();
});

test('an open run of another configuration is named, with what differs', () => {
  const given = run({ epochs: 5, magnet: { alpha: 2 } });
  expect(() => requireSame('mine', run({ epochs: 4 }), given, true)).toThrow(
    /run mine: .*\n {2}recipe\.magnet\.alpha: is 1, asked for 2\n {2}recipe\.epochs: is 4, asked for 5\nTake another --name/,
  );
  const comparison: StartRequest = {
    type: 'compareObjectives',
    input: CompareInput.parse({ version: 1, data, recipe: {} }),
  };
  expect(() => requireSame('mine', run({}), comparison, false)).toThrow(
    /type: is "trainPipeline", asked for "compareObjectives"/,
  );
});

describe('what a run was started with', () => {
  /** A server with one first event, or none, and a store with what a name is bound to. */
  function servers(input: unknown, bound: unknown): Servers {
    const payloads = [{ data: Buffer.from(JSON.stringify(input)) }];
    const started = { workflowType: { name: 'trainPipeline' }, input: { payloads } };
    const history = input === null ? null : { events: [{ workflowExecutionStartedEventAttributes: started }] };
    const getWorkflowExecutionHistory = () =>
      history ? Promise.resolve({ history }) : Promise.reject(Object.assign(new Error('not found'), { code: 5 }));
    return {
      client: { options: { namespace: 'default' }, workflowService: { getWorkflowExecutionHistory } },
      store: { get: () => Promise.resolve(bound === null ? null : Buffer.from(JSON.stringify(bound))) },
    } as unknown as Servers;
  }

  test('comes from the history, without what was carried over', async () => {
    const carried = { anything: true };
    const request = await startRequestOf(servers({ version: 1, data, recipe: { epochs: 4 }, carried }, null), 'mine');
    expect(request).toEqual(run({ epochs: 4 }));
  });

  test('comes from the store when the server forgot it', async () => {
    const configuration = { kind: 'run', data, recipe: { epochs: 4 } };
    expect(await startRequestOf(servers(null, { configuration, threads: 2 }), 'mine')).toEqual(run({ epochs: 4 }));
    const recovery = { ...configuration, kind: 'recovery', objectives: 'softmax,magnet', pairings: '2' };
    expect(await startRequestOf(servers(null, { configuration: recovery, threads: 2 }), 'mine')).toMatchObject({
      type: 'hierarchyRecovery',
      input: { objectives: ['softmax', 'magnet'], pairings: 2 },
    });
  });

  test('is what the name is bound to, where the newest execution asked for something else and was refused', async () => {
    const bound = { configuration: { kind: 'run', data, recipe: { epochs: 4 } }, threads: 2 };
    const refused = { version: 1, data, recipe: { epochs: 5 } };
    expect(await startRequestOf(servers(refused, bound), 'mine')).toEqual(run({ epochs: 4 }));
  });

  test('is nothing where neither knows the run', async () => {
    expect(await startRequestOf(servers(null, null), 'mine')).toBeNull();
  });
});

describe('the epochs that a run was extended to', () => {
  const payloads = (value: unknown) => ({ payloads: [{ data: Buffer.from(JSON.stringify(value)) }] });
  const begun = (carried: object | null) => ({
    workflowExecutionStartedEventAttributes: { input: payloads({ version: 1, data, recipe: { epochs: 4 }, carried }) },
  });
  const updated = (name: string, ...args: unknown[]) => ({
    workflowExecutionUpdateAcceptedEventAttributes: { acceptedRequest: { input: { name, args: payloads(args[0]) } } },
  });
  const client = (events: readonly object[] | null): Servers['client'] => {
    const forgotten = Object.assign(new Error('not found'), { name: 'WorkflowNotFoundError' });
    const fetchHistory = () => (events === null ? Promise.reject(forgotten) : Promise.resolve({ events }));
    return { workflow: { getHandle: () => ({ fetchHistory }) } } as unknown as Servers['client'];
  };

  test.each<[string, readonly object[] | null, number | null]>([
    ['none of a run that was only begun', [begun(null), {}], null],
    ['none of a run that was only stopped', [begun(null), updated('requestStop', null)], null],
    ['the furthest of several', [begun(null), updated('extend', { epochs: 9 }), updated('extend', { epochs: 6 })], 9],
    ['what a long run carried over', [begun({ epochs: 7, epoch: 3 }), {}], 7],
    ['none of a run that the server forgot', null, null],
  ])('%s', async (_, events, epochs) => {
    expect(await extendedTo(client(events), 'mine')).toBe(epochs);
  });
});

describe('what is in the store', () => {
  function storeOf(objects: Readonly<Record<string, unknown>>): ObjectStore {
    const get = (key: string): Promise<Buffer | null> =>
      Promise.resolve(key in objects ? Buffer.from(JSON.stringify(objects[key])) : null);
    async function* list(prefix: string): AsyncIterable<string> {
      yield* await Promise.resolve(Object.keys(objects).filter((key) => key.startsWith(prefix)));
    }
    return { get, list } as unknown as ObjectStore;
  }
  const report = { uri: 's3://lodestone/runs/mine/report.html', sha256: 'f'.repeat(64), bytes: 10 };
  const bound = { configuration: { kind: 'run', data, recipe: { epochs: 4 } }, threads: 2 };

  test('W3: results of runs, comparisons and recoveries are found without the server', async () => {
    const child = { objective: 'magnet', run: 'mine--magnet', result: resultOf('mine--magnet') };
    const comparison = { type: 'comparison', name: 'mine', status: 'finished', objectives: [child], report };
    const recovery = {
      type: 'recovery',
      name: 'mine',
      status: 'stopped',
      pairings: [{ pairing: 1, objectives: [child] }],
      summary: [],
      report,
    };
    for (const outcome of [comparison, recovery])
      expect(await storedOutcome(storeOf({ 'runs/mine/result.json': outcome }), 'mine')).toEqual(outcome);
    const record = { result: resultOf('mine'), report }; // a run's own has no type
    expect(await storedOutcome(storeOf({ 'runs/mine/result.json': record }), 'mine')).toEqual(
      outcomeOf('mine', report),
    );
    expect(await storedOutcome(storeOf({}), 'mine')).toBeNull();
    await expect(storedOutcome(storeOf({ 'runs/mine/result.json': {} }), 'mine')).rejects.toMatchObject({
      kind: 'ArtifactCorrupt',
    });
  });

  test('S9: a name is bound for good once more than the name is stored under it', async () => {
    expect(await boundRequestOf(storeOf({ 'runs/mine/run.json': bound }), 'mine')).toBeNull();
    const trained = storeOf({ 'runs/mine/data-set.json': {}, 'runs/mine/run.json': bound });
    expect(await boundRequestOf(trained, 'mine')).toEqual(run({ epochs: 4 }));
  });
});
