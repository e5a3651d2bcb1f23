/** SIGKILL to the trainer of a run under way, several times: how long until the next step of training is applied. */
import type { RunResult } from '../../config/artifacts';
import type { TrainPipelineInput } from '../../config/workflow-input';
import { sleep, type OwnStack } from './own-stack';

export interface Kill {
  /** Global step that was applied last, and the first one that was applied again. */
  readonly reached: number;
  readonly resumed: number;
  /** From the kill to the next trainer's start, and to its first step. */
  readonly respawnMs: number;
  readonly stepMs: number;
}

const POLL_MS = 5;

/** @param pauseMs of undisturbed training before each kill; longer than between checkpoints, or the run gives up (P4) */
export async function killTrainers(
  stack: OwnStack,
  { run, input, kills, pauseMs }: { run: string; input: TrainPipelineInput; kills: number; pauseMs: number },
): Promise<{ readonly kills: readonly Kill[]; readonly result: RunResult }> {
  const handle = await stack.start(run, input);
  let over = false;
  const ended = handle.result().finally(() => (over = true));
  ended.catch(() => undefined); // awaited below
  const done: Kill[] = [];
  while (!over && done.length < kills) {
    const begun = stack.training(run);
    if (begun?.phase !== 'train') {
      await sleep(POLL_MS);
      continue;
    }
    await sleep(pauseMs);
    const pid = await stack.pidOf('trainer');
    const before = stack.training(run);
    if (pid === null || before?.epoch !== begun.epoch) continue; // between two epochs there is no step to wait for
    process.kill(pid, 'SIGKILL');
    const killedAt = Date.now();
    while (!over && (await stack.pidOf('trainer')) === pid) await sleep(POLL_MS);
    const respawnedAt = Date.now();
    for (;;) {
      const after = stack.training(run);
      if (over) break;
      if (after !== null && after.atMs > respawnedAt) {
        const { reached } = before;
        done.push({
          reached,
          resumed: after.reached,
          respawnMs: respawnedAt - killedAt,
          stepMs: after.atMs - killedAt,
        });
        break;
      }
      await sleep(POLL_MS);
    }
  }
  const { result } = await ended;
  return { kills: done, result };
}
