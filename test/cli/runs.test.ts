/** What `lodestone stop` ends with. The server is a fake: a real run cannot be made to fail just as it is asked to stop. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { stopOn } from '../../cli/commands/runs';
import { contextOf } from '../../cli/context';
import type { Servers } from '../../cli/servers';
import type { RunResult } from '../../config/artifacts';
import { FileStore } from '../../storage/file-store';
import { captured, outcomeOf } from './support';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lodestone-runs-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const html = Buffer.from('<html>the report</html>');
const report = {
  uri: 'file:runs/groceries/report.html',
  sha256: createHash('sha256').update(html).digest('hex'),
  bytes: html.length,
};
const failedWith = (type: string): WorkflowFailedError =>
  new WorkflowFailedError('failed', ApplicationFailure.nonRetryable('why', type), 'NON_RETRYABLE_FAILURE');

/** A server whose run is open until it is asked to stop, and then ends so. */
async function stoppable(result: () => Promise<unknown>): Promise<Servers> {
  const store = new FileStore(join(folder, 'store'));
  await store.put('runs/groceries/report.html', html);
  let status = 'RUNNING';
  const handle = {
    describe: () =>
      Promise.resolve({
        workflowId: 'groceries',
        type: 'trainPipeline',
        status: { name: status },
        startTime: new Date(0),
        raw: { pendingActivities: [] },
      }),
    signal: () => Promise.resolve((status = 'COMPLETED')),
    result,
  };
  const client = {
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
    workflow: { getHandle: () => handle },
  };
  return { client, store, keepFor: () => Promise.resolve() } as unknown as Servers;
}

const ends = (change: Partial<RunResult>) => () => Promise.resolve(outcomeOf('groceries', report, change));
const fails = (type: string) => () => Promise.reject(failedWith(type));

test.each<[string, () => Promise<unknown>, number]>([
  ['0 where it stopped', ends({ status: 'stopped', epochs: 1 }), 0],
  ['0 where it had finished first', ends({}), 0],
  ['0 where it stopped before anything was trained', fails('RunStopped'), 0],
  ['its own code where the run failed instead', fails('NumericalDivergence'), 6],
])('stop ends with %s', async (_, result, code) => {
  expect(await stopOn(contextOf(captured(folder)), await stoppable(result), 'groceries', {})).toBe(code);
});

test('--json: one object on stdout also where stop does not wait, and where there is nothing to stop', async () => {
  const servers = await stoppable(ends({}));
  const said = async (): Promise<unknown> => {
    const context = captured(folder);
    await stopOn(contextOf(context), servers, 'groceries', { json: true, detach: true });
    return JSON.parse(context.stdout());
  };
  const resume = expect.stringContaining('resume groceries');
  expect(await said()).toEqual({ run: 'groceries', status: 'stopping', resume });
  expect(await said()).toEqual({ run: 'groceries', status: 'completed', resume });
});
