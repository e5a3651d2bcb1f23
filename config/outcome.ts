/** What the three workflows return, and what of comparisons and recoveries is stored as their result. */
import { z } from 'zod';
import { ObjectRef, RunResult } from './artifacts';
import { ObjectiveName } from './objective';

const ChildRun = z.object({ objective: ObjectiveName, run: z.string(), result: RunResult });
const Spread = z.object({ mean: z.number(), sd: z.number() });
const Status = RunResult.shape.status;

export const Outcome = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run'), result: RunResult, report: ObjectRef }),
  z.object({
    type: z.literal('comparison'),
    name: z.string(),
    status: Status,
    objectives: z.array(ChildRun),
    report: ObjectRef,
  }),
  z.object({
    type: z.literal('recovery'),
    name: z.string(),
    status: Status,
    pairings: z.array(z.object({ pairing: z.int(), objectives: z.array(ChildRun) })),
    summary: z.array(
      z.object({ objective: ObjectiveName, pairings: z.int(), error1: Spread, error5: Spread.nullable() }),
    ),
    report: ObjectRef,
  }),
]);
export type Outcome = z.infer<typeof Outcome>;

/**
 * Of several runs.
 * @param asked how many there were to be: a stop may have come before some of them began
 */
export function statusOf(results: readonly Pick<RunResult, 'status'>[], asked: number): RunResult['status'] {
  return results.length === asked && results.every(({ status }) => status === 'finished') ? 'finished' : 'stopped';
}
