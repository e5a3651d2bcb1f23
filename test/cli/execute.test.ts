/** What a run's end becomes for a person and for a program. The server is a fake: real ones cannot be made to fail like this. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { followToAnswer } from '../../cli/commands/execute';
import { contextOf } from '../../cli/context';
import type { Servers } from '../../cli/servers';
import { FileStore } from '../../storage/file-store';
import { captured, outcomeOf, resultOf } from './support';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lodestone-execute-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const html = Buffer.from('<html>the report</html>');

/** A server whose run is over, with a result or a failure. */
async function ended(result: () => Promise<unknown>): Promise<Servers> {
  const store = new FileStore(join(folder, 'store'));
  await store.put('runs/groceries/report.html', html);
  const description = {
    workflowId: 'groceries',
    type: 'trainPipeline',
    status: { name: 'COMPLETED' },
    startTime: new Date(0),
    raw: { pendingActivities: [] },
  };
  const client = {
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
    workflow: { getHandle: () => ({ describe: () => Promise.resolve(description), result }) },
  };
  return { client, store } as unknown as Servers;
}

const report = {
  uri: 'file:runs/groceries/report.html',
  sha256: createHash('sha256').update(html).digest('hex'),
  bytes: html.length,
};
const stopped = { status: 'stopped' as const, epochs: 1 };

interface Answer {
  readonly report: string;
}

async function follow(servers: Servers, json: boolean) {
  const surroundings = captured(folder);
  const options = { json, stopOnInterrupt: true };
  const code = await followToAnswer(contextOf(surroundings), servers, 'groceries', options);
  return {
    ...surroundings,
    code,
    last: () => JSON.parse(surroundings.stdout().trim().split('\n').at(-1) ?? '') as Answer,
  };
}

test('--json: the last line of stdout has run, status, metrics, digests and the report, which is there', async () => {
  const { code, last, stdout } = await follow(await ended(() => Promise.resolve(outcomeOf('groceries', report))), true);
  const { metrics, digests } = resultOf('groceries');
  expect(last()).toMatchObject({ run: 'groceries', status: 'finished', metrics, digests, reportObject: report });
  expect(stdout().trim().split('\n')).toHaveLength(1);
  expect(readFileSync(last().report, 'utf8')).toBe(html.toString());
  expect(code).toBe(0);
});

test('a person gets the table and the path of the report', async () => {
  const { code, stdout, stderr } = await follow(
    await ended(() => Promise.resolve(outcomeOf('groceries', report))),
    false,
  );
  expect(stdout()).toMatch(/groceries: Magnet, finished after 3 epochs/);
  expect(stdout()).toContain('25.0 %');
  expect(stdout()).toMatch(/Report: state\/reports\/groceries\.html/);
  expect([code, stderr()]).toEqual([0, '']);
});

test('a comparison has a status and digests for each objective', async () => {
  const outcome = {
    type: 'comparison',
    name: 'groceries',
    status: 'stopped',
    objectives: [
      {
        objective: 'softmax',
        run: 'groceries--softmax',
        result: resultOf('groceries--softmax', { objective: 'softmax' }),
      },
      { objective: 'magnet', run: 'groceries--magnet', result: resultOf('groceries--magnet', stopped) },
    ],
    report,
  };
  const { code, last } = await follow(await ended(() => Promise.resolve(outcome)), true);
  expect(last()).toMatchObject({
    run: 'groceries',
    status: 'stopped',
    objectives: [
      { run: 'groceries--softmax', status: 'finished' },
      { run: 'groceries--magnet', status: 'stopped', digests: resultOf('').digests },
    ],
  });
  expect(code).toBe(21);
});

test('a stopped run prints the exact command that resumes it, and ends with the code of RunStopped', async () => {
  const { code, stderr } = await follow(
    await ended(() => Promise.resolve(outcomeOf('groceries', report, stopped))),
    false,
  );
  expect(stderr()).toContain('npx lodestone resume groceries');
  expect(code).toBe(21);
});

test('a failed run says why in one message, how to go on, and ends with the code of its kind', async () => {
  const why = ApplicationFailure.nonRetryable('loss of step 7 is NaN. Lower the learning rate.', 'NumericalDivergence');
  const failing = (): Promise<never> =>
    Promise.reject(new WorkflowFailedError('Workflow execution failed', why, 'NON_RETRYABLE_FAILURE'));
  const shown = await follow(await ended(failing), false);
  expect(shown.stderr()).toMatch(/NumericalDivergence: loss of step 7 is NaN[^]*npx lodestone resume groceries/);
  expect([shown.code, shown.stdout()]).toEqual([6, '']);

  const { last, code } = await follow(await ended(failing), true);
  expect(last()).toMatchObject({
    run: 'groceries',
    status: 'failed',
    error: { kind: 'NumericalDivergence', exitCode: 6 },
    resume: 'npx lodestone resume groceries',
  });
  expect(code).toBe(6);
});

test('a report whose bytes changed is not handed out', async () => {
  const wrong = { ...report, sha256: 'f'.repeat(64) };
  const { code, stderr } = await follow(await ended(() => Promise.resolve(outcomeOf('groceries', wrong))), false);
  expect(stderr()).toMatch(/ArtifactCorrupt/);
  expect(code).toBe(13);
  expect(existsSync(join(folder, 'state/reports/groceries.html'))).toBe(false);
});

test('a result that is none of ours is refused', async () => {
  const { code, stderr } = await follow(await ended(() => Promise.resolve({ type: 'run', result: {} })), false);
  expect(stderr()).toMatch(/result of groceries/);
  expect(code).toBe(13);
});
