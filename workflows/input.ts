/** The first thing every workflow does: parse its input, and fail for good when it is wrong (W1). */
import { ApplicationFailure } from '@temporalio/workflow';
import { z } from 'zod';
import { ObjectiveName } from '../config/objective';
import { RunName } from '../config/workflow-input';
import { parseAtEdge } from '../config/parse';
import { LodestoneError } from '../errors';

z.config({ jitless: true }); // the sandbox of workflows allows no code from strings

export function parseInput<S extends z.ZodType>(schema: S, raw: unknown): z.output<S> {
  return rejecting(() => parseAtEdge(schema, raw, 'workflow input'));
}

/** What children are called after the name of their parent. */
const suffix = new RegExp(`(--pairing-[0-9]+)?--(${ObjectiveName.options.join('|')})$`);

export function parseRunName(workflowId: string): string {
  rejecting(() => parseAtEdge(RunName, workflowId.replace(suffix, ''), `workflow id "${workflowId}"`));
  return workflowId;
}

function rejecting<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof LodestoneError) throw ApplicationFailure.nonRetryable(error.message, error.kind);
    throw error;
  }
}
