/**
 * Recorded histories replay on the present workflow code: a run that is under way goes on after an upgrade of its worker.
 * The histories lie in test/fixtures/histories. Where the code changed on purpose and no such run matters, record anew:
 *   RECORD_HISTORIES=1 npx jest test/workflows/replay
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { queues } from '../../config/queues';
import type { TrainerActivities } from '../../activities/requests';
import { answering, endOf, failing } from './fake-activities';
import { buildWorkflows, raiseHouse, runInput, workflowBundle } from './house';

const folder = join(__dirname, '../fixtures/histories');

/** What each recorded workflow goes through. */
const recordings = {
  /** A busy device, an input that cannot be read, an extension, and the last two of three epochs. */
  trainPipeline: { file: 'train-pipeline.json', input: runInput(2), extendedTo: 3 },
  compareObjectives: {
    file: 'compare-objectives.json',
    input: { ...runInput(1), objectives: ['softmax', 'magnet'] },
    extendedTo: null,
  },
  hierarchyRecovery: {
    file: 'hierarchy-recovery.json',
    input: { ...runInput(1), objectives: ['magnet'], pairings: 2 },
    extendedTo: null,
  },
} as const;
const workflowTypes = Object.keys(recordings) as (keyof typeof recordings)[];

/** The first of them with one activity exchanged for another: as a worker with other code would have recorded it. */
const OTHER_CODE = 'train-pipeline-of-other-code.json';

beforeAll(async () => {
  buildWorkflows();
  if (process.env.RECORD_HISTORIES === '1') await recordAll();
}, 180_000);

/** @param workflowId that it was recorded under: children are named after it */
const replay = (file: string, workflowId: string): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle }, JSON.parse(readFileSync(join(folder, file), 'utf8')), workflowId);
const idOf = (file: string): string => file.replace('.json', '');

it.each(workflowTypes)(
  'the recorded history of %s replays',
  async (type) => {
    const { file } = recordings[type];
    await replay(file, idOf(file));
  },
  60_000,
);

it('a history of other code does not replay: the check can fail', async () => {
  await expect(replay(OTHER_CODE, idOf(recordings.trainPipeline.file))).rejects.toThrow(/nondeterminism/i);
}, 60_000);

it('no recorded history says where it was recorded', () => {
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8');
    expect(text).not.toContain(hostname());
    expect(decoded(text)).not.toMatch(/\/(home|root|tmp|work|Users)\/|\b\d+@/);
  }
});

/** With its payloads, which are base64. */
function decoded(text: string): string {
  return text.replace(/"(?:data|encoding)": "([^"]*)"/g, (_, base64: string) =>
    Buffer.from(base64, 'base64').toString(),
  );
}

async function recordAll(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const house = await raiseHouse();
  try {
    for (const type of workflowTypes) {
      const { file, input, extendedTo } = recordings[type];
      const history = await house.serve({ trainEpoch: troubled() }, async () => {
        const handle = await house.client.workflow.start(type, {
          taskQueue: queues.pipeline,
          workflowId: idOf(file),
          args: [input],
        });
        if (extendedTo !== null) await handle.executeUpdate('extend', { args: [{ epochs: extendedTo }] });
        await handle.result();
        return historyToJSON(await handle.fetchHistory());
      });
      write(file, history);
    }
  } finally {
    await house.end();
  }
  const own = readFileSync(join(folder, recordings.trainPipeline.file), 'utf8');
  write(OTHER_CODE, own.replace('"name": "refreshIndex"', '"name": "evaluateRun"'));
}

/** Busy at the first epoch, without its input at the second, each once. */
function troubled(): TrainerActivities['trainEpoch'] {
  const ahead = new Map([
    [1, failing('DeviceBusy')],
    [2, failing('InputRejected', { what: 'checkpoint', lastGood: warmStart })],
  ]);
  return (request) => {
    const failure = request.phase === 'train' && request.recipe.epochs === 2 ? ahead.get(request.epoch) : undefined;
    if (failure === undefined) return answering.trainEpoch(request);
    ahead.delete(request.epoch);
    return Promise.reject(failure);
  };
}

const warmStart = endOf({ phase: 'warm-start', epoch: 1, from: null }).digest;

/** Without stack traces, which name files of this machine. */
function write(file: string, json: string): void {
  const scrubbed: unknown = JSON.parse(json, (name, value: unknown) => (name === 'stackTrace' ? '' : value));
  writeFileSync(join(folder, file), `${JSON.stringify(scrubbed, null, 1)}\n`);
}
