/**
 * Recorded histories replay on the present workflow code: a run that is under way goes on after an upgrade of its worker.
 * The histories lie in test/fixtures/histories. Where the code changed on purpose and no such run matters, record anew:
 *   RECORD_HISTORIES=1 npx jest test/workflows/replay        (or the name of one of them for 1)
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import type { Pool, TrainerActivities } from '../../activities/requests';
import { answering, endOf, failing, untilLetGo } from './fake-activities';
import { buildWorkflows, raiseHouse, runInput, workflowBundle } from './house';

const folder = join(__dirname, '../fixtures/histories');

interface Recording {
  readonly type: 'trainPipeline' | 'compareObjectives' | 'hierarchyRecovery';
  readonly input: object;
  readonly extendedTo?: number;
  /** Who else was there, as activities said; left out: nobody, as those said that knew of no others. */
  readonly pool?: Pool;
}

/** What each recorded workflow goes through, by its id and the name of its file. */
const recordings: Readonly<Record<string, Recording>> = {
  /** A busy device, an input that cannot be read, an extension, and the last two of three epochs. */
  'train-pipeline': { type: 'trainPipeline', input: runInput(2), extendedTo: 3 },
  /** Two others help with every refresh and the evaluation, and are let go. */
  'train-pipeline-helped': { type: 'trainPipeline', input: runInput(1), pool: { trainers: 3, parts: 40 } },
  'compare-objectives': {
    type: 'compareObjectives',
    input: { ...runInput(1), objectives: ['softmax', 'magnet'] },
  },
  /** Both objectives at a time. */
  'compare-objectives-at-once': {
    type: 'compareObjectives',
    input: { ...runInput(1), objectives: ['softmax', 'magnet'] },
    pool: { trainers: 2, parts: 1 },
  },
  'hierarchy-recovery': {
    type: 'hierarchyRecovery',
    input: { ...runInput(1), objectives: ['magnet'], pairings: 2 },
  },
};
const names = Object.keys(recordings);

/** The first of them with one activity exchanged for another: as a worker with other code would have recorded it. */
const OTHER_CODE = 'train-pipeline-of-other-code';

beforeAll(async () => {
  buildWorkflows();
  const wanted = process.env.RECORD_HISTORIES;
  if (wanted) await record(wanted === '1' ? names : [wanted]);
}, 180_000);

/** @param workflowId that it was recorded under: children are named after it */
const replay = (name: string, workflowId = name): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle }, JSON.parse(readFileSync(pathOf(name), 'utf8')), workflowId);
const pathOf = (name: string): string => join(folder, `${name}.json`);

it.each(names)('the recorded history %s replays', (name) => replay(name), 60_000);

it('a history of other code does not replay: the check can fail', async () => {
  await expect(replay(OTHER_CODE, 'train-pipeline')).rejects.toThrow(/nondeterminism/i);
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

async function record(wanted: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const house = await raiseHouse();
  try {
    for (const name of wanted) {
      const { type, input, extendedTo, pool } = recordings[name];
      const history = await house.serve(troubled(pool), async () => {
        const handle = await house.start(name, input, type);
        if (extendedTo !== undefined) await handle.executeUpdate('extend', { args: [{ epochs: extendedTo }] });
        await handle.result();
        return historyToJSON(await handle.fetchHistory());
      });
      write(name, history);
    }
  } finally {
    await house.end();
  }
  const own = readFileSync(pathOf('train-pipeline'), 'utf8');
  write(OTHER_CODE, own.replace('"name": "refreshIndex"', '"name": "evaluateRun"'));
}

/** Busy at the first epoch, without its input at the second, each once. With others: epochs and refreshes say so. */
function troubled(pool: Pool | undefined): Partial<TrainerActivities> {
  const ahead = new Map([
    [1, failing('DeviceBusy')],
    [2, failing('InputRejected', { what: 'checkpoint', lastGood: warmStart })],
  ]);
  const others = pool ? { pool } : {};
  return {
    trainEpoch: async (request) => {
      const failure = request.phase === 'train' && request.recipe.epochs === 2 ? ahead.get(request.epoch) : undefined;
      if (failure === undefined) return { ...(await answering.trainEpoch(request)), ...others };
      ahead.delete(request.epoch);
      throw failure;
    },
    refreshIndex: async (request) => ({ ...(await answering.refreshIndex(request)), ...others }),
    helpEmbed: untilLetGo,
  };
}

const warmStart = endOf({ phase: 'warm-start', epoch: 1, from: null }).digest;

/** Without stack traces, which name files of this machine. */
function write(name: string, json: string): void {
  const scrubbed: unknown = JSON.parse(json, (name, value: unknown) => (name === 'stackTrace' ? '' : value));
  writeFileSync(pathOf(name), `${JSON.stringify(scrubbed, null, 1)}\n`);
}
