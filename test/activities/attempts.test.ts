/**
 * What a killed worker leaves behind is reported by the next one on its folder. Real Temporal server; the death is played:
 * an activity that hangs, and a file that says its process is gone.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { activityInfo, Context } from '@temporalio/activity';
import { queues } from '../../config/queues';
import { Attempts } from '../../activities/attempts';
import { readEvents } from '../../activities/events';
import type { TrainerActivities } from '../../activities/requests';
import { FileStore } from '../../storage/file-store';
import { answering } from '../workflows/fake-activities';
import { raiseHouse, runInput, type House } from '../workflows/house';

let house: House;
let directory: string;
beforeAll(async () => {
  house = await raiseHouse();
}, 120_000);
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lodestone-attempts-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));
afterAll(() => house.end(), 30_000);

const filesOf = (folder: string): string[] =>
  readdirSync(join(folder, 'attempts')).map((name) => join(folder, 'attempts', name));

/** As if the process that wrote it were gone: another process has had its pid since. */
function buryOwner(file: string): void {
  const attempt = JSON.parse(readFileSync(file, 'utf8')) as { owner: object };
  writeFileSync(file, JSON.stringify({ ...attempt, owner: { pid: process.pid, started: '1' } }));
}

it('P5: the attempt of a dead worker fails at once, its retry begins in seconds, and an event says how far it was', async () => {
  const store = new FileStore(join(directory, 'store'));
  const attempts = new Attempts(directory);
  let hung = (): void => undefined;
  const hanging = new Promise<void>((resolve) => (hung = resolve));
  let endHung = (): void => undefined;
  let retriedAfterMs: number | null = null;
  let buriedAtMs = 0;
  const trainEpoch: TrainerActivities['trainEpoch'] = async (request) => {
    if (request.phase === 'warm-start') return answering.trainEpoch(request);
    if (activityInfo().taskQueue !== queues.gpu) {
      attempts.trained(Context.current(), { run: request.run, phase: 'train', epoch: 1, reached: 37 });
      hung();
      await new Promise<void>((resolve) => (endHung = resolve)); // no heartbeat, no answer: its worker is dead
    } else retriedAfterMs = performance.now() - buriedAtMs;
    return answering.trainEpoch(request);
  };
  await house.serve(
    { trainEpoch },
    async () => {
      const handle = await house.client.workflow.start('trainPipeline', {
        taskQueue: queues.pipeline,
        workflowId: 'worker-died',
        args: [runInput(1)],
      });
      await hanging;
      const [file] = filesOf(directory);
      buryOwner(file);
      buriedAtMs = performance.now();
      await new Attempts(directory).reportLeft(house.client, store);
      await handle.result();
      endHung();
      expect(retriedAfterMs).toBeLessThan(10_000); // by heartbeats alone: 15 s at least
      expect(await readEvents(store, 'worker-died')).toEqual([
        { type: 'lost', what: 'worker', phase: 'train', epoch: 1, reached: 37 },
      ]);
    },
    attempts.interceptor,
  );
  expect(filesOf(directory)).toEqual([]);
}, 60_000);

it('the attempts of a living worker on the same folder are left alone', async () => {
  const attempts = new Attempts(directory);
  const trainEpoch: TrainerActivities['trainEpoch'] = async (request) => {
    const before = filesOf(directory);
    await new Attempts(directory).reportLeft(house.client, new FileStore(directory));
    expect(filesOf(directory)).toEqual(before);
    expect(before).toHaveLength(1);
    return answering.trainEpoch(request);
  };
  await house.serve(
    { trainEpoch },
    async (calls) => {
      const handle = await house.client.workflow.start('trainPipeline', {
        taskQueue: queues.pipeline,
        workflowId: 'worker-lives',
        args: [runInput(1)],
      });
      await handle.result();
      expect(calls.filter(({ activity }) => activity === 'trainEpoch')).toHaveLength(2);
    },
    attempts.interceptor,
  );
}, 60_000);

it('half a file, or one that is none, is cleared away', async () => {
  const attempts = new Attempts(directory);
  writeFileSync(join(directory, 'attempts/half.json'), '{"taskToken":"a');
  await attempts.reportLeft(house.client, new FileStore(directory));
  expect(filesOf(directory)).toEqual([]);
});
