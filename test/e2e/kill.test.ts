/**
 * The promise of the house: kill -9 of the trainer and of the worker, at seeded random steps after a refresh and a
 * checkpoint inside an epoch, and the run ends with the same weights, index, curve and metrics as an undisturbed one.
 * Real photos, real Temporal, real MinIO, real TensorFlow.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { Recipe } from '../../config/recipe';
import { type TrainPipelineInput } from '../../config/workflow-input';
import { readEvents } from '../../activities/events';
import { rngFor } from '../../learning/random';
import type { RunOutcome } from '../../workflows/train-pipeline';
import { copyFruits, fruitsAreHere } from './real-photos';
import { projectRoot, raiseStand, type Stand } from './stand';

const EPOCHS = 3;
const STEPS = 40;

if (!fruitsAreHere)
  console.warn('end-to-end: ../shared/datasets/fruits360_3body is absent, nothing of this suite is run');
const suite = fruitsAreHere ? describe : describe.skip;

suite('kill -9 at seeded steps', () => {
  let stand: Stand;
  let photos: string;
  let undisturbed: RunOutcome;

  beforeAll(async () => {
    stand = await raiseStand();
    photos = join(stand.directory, 'photos');
    await mkdir(photos);
    await copyFruits(photos, 4, 40);
    undisturbed = await start('undisturbed').then((handle) => handle.result());
  }, 300_000);
  afterAll(() => stand.end(), 60_000);

  const input = (): TrainPipelineInput => ({
    version: 1,
    data: { type: 'folder', path: photos },
    recipe: Recipe.parse({
      data: { label: 'coarse', fineLabel: 'fine' },
      network: { inputSize: 32, embeddingSize: 32 },
      magnet: { clustersPerClass: 4 },
      warmStart: { epochs: 1 },
      epochs: EPOCHS,
      stepsPerEpoch: STEPS,
      checkpointSeconds: 0.2,
      engine: { threads: 2 },
    }),
    shared: null,
    carried: null,
  });
  const start = (run: string) =>
    stand.client.workflow.start<(raw: unknown) => Promise<RunOutcome>>('trainPipeline', {
      taskQueue: 'lodestone',
      workflowId: run,
      args: [input()],
    });

  /** Waits until a checkpoint at or past the step is committed. */
  async function reached(run: string, step: number): Promise<number> {
    for (;;) {
      const last = (await stand.committedSteps(run)).at(-1) ?? 0;
      if (last >= step) return last;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  it.each([
    ['the trainer', 11],
    ['the worker', 12],
  ])(
    'S4, B3, P4: %s killed twice ends with the same bits',
    async (victim, seed) => {
      const run = `killed-${seed}`;
      const rng = rngFor(seed, 'kill points');
      const points = [STEPS + 1 + rng.nextInt(STEPS - 10), 2 * STEPS + 1 + rng.nextInt(STEPS - 10)]; // after a refresh
      const handle = await start(run);
      const killedAt: number[] = [];
      for (const point of points) {
        await reached(run, point);
        expect(await (victim === 'the trainer' ? stand.killTrainer() : stand.killWorker())).toBe(true);
        killedAt.push(point);
      }
      const { result } = await handle.result();

      expect(result.digests).toEqual(undisturbed.result.digests);
      expect(result.reproducibility).toBe('identical');
      const resumed = (await readEvents(stand.store, run)).filter(({ resumedFrom }) => resumedFrom !== null);
      expect(resumed.length).toBeGreaterThanOrEqual(killedAt.length); // steps past these checkpoints were made again
    },
    240_000,
  );

  it('W3: the same name again returns the stored result without training', async () => {
    const { result } = await start('undisturbed').then((handle) => handle.result());
    expect(result).toEqual(undisturbed.result);
  }, 60_000);

  it('S9: the name with another configuration is refused, and says the difference', async () => {
    const changed = { ...input(), recipe: { ...input().recipe, seed: 99 } };
    const handle = await stand.client.workflow.start('trainPipeline', {
      taskQueue: 'lodestone',
      workflowId: 'undisturbed',
      args: [changed],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { cause: { type: 'NameTaken', message: expect.stringMatching(/recipe\.seed: was 1, now 99/) } },
    });
  }, 60_000);

  it('P3: a stop checkpoints, evaluates what there is, and the next start ends with the same bits', async () => {
    const run = 'stopped';
    const handle = await start(run);
    await reached(run, STEPS + 5);
    await handle.executeUpdate('requestStop');
    const stopped = await handle.result();
    expect(stopped.result.status).toBe('stopped');
    const { result } = await start(run).then((again) => again.result());
    expect(result.status).toBe('finished');
    expect(result.digests).toEqual(undisturbed.result.digests);
  }, 240_000);

  it('the recorded history replays, and one with another activity in its place does not', async () => {
    const codePath = join(projectRoot, 'dist/workflow-bundle.js');
    const history = await stand.client.workflow.getHandle('killed-12').fetchHistory();
    await Worker.runReplayHistory({ workflowBundle: { codePath } }, history);

    const scheduled = history.events?.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'refreshIndex',
    );
    const type = scheduled?.activityTaskScheduledEventAttributes?.activityType;
    if (!type) throw new Error('the history holds no refresh');
    type.name = 'trainEpoch';
    await expect(Worker.runReplayHistory({ workflowBundle: { codePath } }, history)).rejects.toThrow(
      /[Nn]ondeterminism|determinism/,
    );
  }, 60_000);

  it('a wrong seed gives other bits: the comparison can fail', async () => {
    const other = { ...input(), recipe: { ...input().recipe, seed: 2, epochs: 1 } };
    const handle = await stand.client.workflow.start<(raw: unknown) => Promise<RunOutcome>>('trainPipeline', {
      taskQueue: 'lodestone',
      workflowId: 'other-seed',
      args: [other],
    });
    expect((await handle.result()).result.digests.weights).not.toBe(undisturbed.result.digests.weights);
  }, 120_000);
});
