/** The run that end-to-end tests repeat: a few fruits, a small network, three short epochs of Magnet on one thread. */
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { queues } from '../../config/queues';
import { Recipe } from '../../config/recipe';
import type { TrainPipelineInput } from '../../config/workflow-input';
import type { RunOutcome, trainPipeline } from '../../workflows/train-pipeline';

export const EPOCHS = 3;
export const STEPS = 48;
export const lastStep = EPOCHS * STEPS;

export interface TinyOptions {
  /** Changes no bit (B4). */
  readonly checkpointSeconds: number;
  readonly seed?: number;
  readonly epochs?: number;
}

export function tinyInput(photos: string, { checkpointSeconds, seed = 1, epochs = EPOCHS }: TinyOptions) {
  return {
    version: 1,
    data: { type: 'folder', path: photos },
    recipe: Recipe.parse({
      data: { label: 'coarse', fineLabel: 'fine' },
      network: { inputSize: 32, embeddingSize: 16 },
      // Fewer clusters in a batch than there are: a centroid decides which. A margin so wide that no loss is 0: the cache of
      // losses decides too.
      magnet: { clustersPerClass: 4, clustersPerBatch: 4, examplesPerCluster: 4, alpha: 6 },
      warmStart: { epochs: 1 },
      epochs,
      stepsPerEpoch: STEPS,
      seed,
      checkpointSeconds,
      engine: { threads: 1 },
    }),
    shared: null,
    carried: null,
  } satisfies TrainPipelineInput;
}

export type TinyHandle = WorkflowHandleWithFirstExecutionRunId<typeof trainPipeline>;

export function startTiny(client: Client, run: string, input: TrainPipelineInput): Promise<TinyHandle> {
  return client.workflow.start<typeof trainPipeline>('trainPipeline', {
    taskQueue: queues.pipeline,
    workflowId: run,
    args: [input],
  });
}

export async function resultOf(client: Client, run: string, input: TrainPipelineInput): Promise<RunOutcome['result']> {
  return (await (await startTiny(client, run, input)).result()).result;
}
