/** The runs there are: the newest that the Temporal server knows, and behind them those that only the store tells of. */
import { runLayout, runsPrefix } from '../storage/run-layout';
import type { ObjectStore } from '../storage/store';
import { listRuns, type RunView } from './run-client';
import { isChildName } from './run-name';
import type { Servers } from './servers';

export interface ListedRun {
  readonly run: string;
  readonly workflowType: string | null;
  /** `stored`: its result is in the store; `unfinished`: it was begun and left none. */
  readonly status: RunView['status'] | 'stored' | 'unfinished';
  readonly started: Date | null;
  readonly closed: Date | null;
}

/** Of those that the server knows. */
export const NEWEST = 100;

/** @param withChildren the runs of comparisons and recoveries too */
export async function listedRuns(
  { client, store }: Pick<Servers, 'client' | 'store'>,
  withChildren: boolean,
): Promise<ListedRun[]> {
  const isWanted = (run: string): boolean => withChildren || !isChildName(run);
  const known = await listRuns(client, NEWEST, isWanted);
  const listed = new Set(known.map(({ run }) => run));
  return [...known, ...(await storedRuns(store, (run) => isWanted(run) && !listed.has(run)))];
}

/** The server has forgotten them, or knows too many newer ones. */
async function storedRuns(store: ObjectStore, isWanted: (run: string) => boolean): Promise<ListedRun[]> {
  const found = new Map<string, 'stored' | 'unfinished'>();
  for await (const key of store.list(runsPrefix)) {
    const run = key.slice(runsPrefix.length).split('/')[0];
    if (!isWanted(run)) continue;
    // What has neither is no run: the warm start that the runs of a pairing share lies under a name of its own.
    const { bind, result } = runLayout(run);
    if (key === result) found.set(run, 'stored');
    else if (key === bind && !found.has(run)) found.set(run, 'unfinished');
  }
  return [...found].map(([run, status]) => ({ run, workflowType: null, status, started: null, closed: null }));
}
