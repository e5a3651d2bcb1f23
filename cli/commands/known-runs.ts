/** What the commands about runs share: servers for as long as one of them works, and names that the server knows. */
import { didYouMean } from '../../config/did-you-mean';
import { LodestoneError } from '../../errors';
import { withStore, type Context } from '../context';
import { listRuns, viewRun, type RunView } from '../run-client';
import { isChildName } from '../run-name';
import { openServers, type Servers, type Wish } from '../servers';

export interface RunOptions {
  readonly store?: string | undefined;
  readonly json?: boolean | undefined;
  readonly detach?: boolean | undefined;
}

/** Newest runs that a wrong name is compared with. */
const COMPARED = 20;

export async function withServers(
  context: Context,
  options: RunOptions,
  wish: Wish,
  work: (servers: Servers) => Promise<number>,
): Promise<number> {
  const servers = await openServers(withStore(context, options.store).variables, wish, context.say);
  try {
    return await work(servers);
  } finally {
    await servers.release();
  }
}

export async function known(servers: Servers, run: string): Promise<RunView> {
  const view = await viewRun(servers.client, run);
  if (view === null) throw await notFound(servers, run);
  return view;
}

export async function notFound(servers: Servers, run: string): Promise<LodestoneError> {
  const isMeant = (other: string): boolean => isChildName(run) || !isChildName(other);
  const names = (await listRuns(servers.client, COMPARED, isMeant)).map((view) => view.run);
  return new LodestoneError(
    'RunNotFound',
    `run: got ${run}, which this Temporal server does not know. ${didYouMean(run, names)}.`,
  );
}
