/**
 * A comparison is fair: its children start from the very same warm start, on the same data, see equally many images and
 * have equally many trials. Read from what they stored, not from what the comparison says of itself.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckpointRef } from '../../config/artifacts';
import { objectiveNames } from '../../config/objective';
import { queues } from '../../config/queues';
import { objectiveOf, type Recipe } from '../../config/recipe';
import type { ChildRun } from '../../activities/requests';
import { chainTo, curveOf } from '../../activities/run-records';
import { imagesPerStep } from '../../learning/sampling/sampler';
import { CheckpointStore } from '../../storage/checkpoints';
import { readManifest } from '../../storage/commits';
import { runLayout } from '../../storage/run-layout';
import type { compareObjectives } from '../../workflows/compare-objectives';
import { copyFruits, fruitsAreHere } from './real-photos';
import { raiseStand, type Stand } from './stand';
import { resultOf, tinyInput } from './tiny-run';

const suite = fruitsAreHere ? describe : describe.skip;
if (!fruitsAreHere) console.warn('end-to-end: ../shared/datasets/fruits360_3body is absent, nothing is compared');

const Bound = z.object({ configuration: z.object({ recipe: z.record(z.string(), z.unknown()) }).loose() });

suite('compare', () => {
  let stand: Stand;
  let input: ReturnType<typeof tinyInput>;
  let recipe: Recipe;

  beforeAll(async () => {
    stand = await raiseStand();
    const photos = join(stand.directory, 'photos');
    await mkdir(photos);
    await copyFruits(photos, 3, 24);
    const tiny = tinyInput(photos, { checkpointSeconds: 120, epochs: 1 });
    recipe = {
      ...tiny.recipe,
      stepsPerEpoch: null, // one pass over the images, whatever a step holds
      softmax: { ...tiny.recipe.softmax, batchSize: 12 },
      triplet: { ...tiny.recipe.triplet, triplets: 4 },
      magnet: { ...tiny.recipe.magnet, clustersPerBatch: 3, examplesPerCluster: 4 },
    };
    input = { ...tiny, recipe };
  }, 120_000);
  afterAll(() => stand.end(), 60_000);

  /** What has to be the same in all of them, as each one's store says. */
  async function groundsOf({ objective, run, result }: ChildRun, warmStart: CheckpointRef) {
    const { store } = stand;
    const chain = await chainTo(store, result.checkpoint, warmStart);
    const steps = (await curveOf(store, chain)).filter(({ phase }) => phase === 'train').length;
    const bound = await readManifest(store, runLayout(run).bind, Bound);
    const { recipe: own, ...configuration } = bound?.configuration ?? { recipe: {} };
    const { objective: trained, ...rest } = own;
    const trials: string[] = [];
    for await (const key of store.list(`${runLayout(run).prefix}evaluations/`)) trials.push(key);
    expect(trained).toBe(objective);
    return {
      warmStart: chain.find(({ position }) => position.phase === 'train')?.parent,
      dataSet: result.dataSet.sha256,
      images: steps * imagesPerStep(objectiveOf({ ...recipe, objective })),
      trials: trials.length,
      configuration: { ...configuration, recipe: rest },
    };
  }

  async function compared(): Promise<readonly ChildRun[]> {
    const handle = await stand.client.workflow.start<typeof compareObjectives>('compareObjectives', {
      taskQueue: queues.pipeline,
      workflowId: 'compared',
      args: [{ version: 1, data: input.data, recipe, objectives: [...objectiveNames], parallel: 1 }],
    });
    return (await handle.result()).objectives;
  }

  it('its children share warm start, data, images seen, trials and every other setting', async () => {
    const objectives = await compared();
    expect(objectives.map(({ objective }) => objective)).toEqual([...objectiveNames]);
    const parent = await endOfWarmStart('compared');
    const [first, ...others] = await Promise.all(objectives.map((child) => groundsOf(child, parent)));
    expect(first.warmStart).toBe(parent.digest);
    expect(first).toMatchObject({ trials: 1, images: 12 * Math.ceil(first.images / 12) });
    expect(first.images).toBeGreaterThan(0);
    for (const other of others) expect(other).toEqual(first);

    // A run of another seed on the same photos is told apart by each of these that a seed decides.
    const stranger = await resultOf(stand.client, 'stranger', { ...input, recipe: { ...recipe, seed: 2 } });
    const grounds = await groundsOf(
      { objective: stranger.objective, run: 'stranger', result: stranger },
      await endOfWarmStart('stranger'),
    );
    expect(grounds.warmStart).not.toBe(first.warmStart);
    expect(grounds.configuration).not.toEqual(first.configuration);
  }, 240_000);

  it('S8: a warm start that is destroyed is named by a run that needs it; comparing again makes it anew, to the same bits', async () => {
    const child = (await compared()).find(({ objective }) => objective === recipe.objective);
    if (child === undefined) throw new Error(`nothing was trained by ${recipe.objective}`);
    const warmStart = await endOfWarmStart('compared');
    const shared = { dataSet: child.result.dataSet, warmStart };
    await stand.destroy(warmStart);
    const failed = resultOf(stand.client, 'sibling', { ...input, recipe, shared });
    await expect(failed.catch(reasonOf)).resolves.toContain(`checkpoint ${warmStart.digest.slice(0, 12)}`);

    await compared();
    expect(await endOfWarmStart('compared')).toEqual(warmStart);
    const sibling = await resultOf(stand.client, 'sibling', { ...input, recipe, shared });
    expect(sibling.digests.weights).toBe(child.result.digests.weights);
  }, 240_000);

  /** What a failed workflow says, down to its cause. */
  function reasonOf(error: unknown): string {
    return error instanceof Error ? `${error.message} ${reasonOf(error.cause)}` : '';
  }

  async function endOfWarmStart(run: string): Promise<CheckpointRef> {
    const end = await new CheckpointStore(stand.store, run).recover(null, 'warm-start', 1);
    if (end === null) throw new Error(`${run} has no warm start`);
    return end;
  }
});
