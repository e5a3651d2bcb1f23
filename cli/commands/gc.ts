/** lodestone gc: deletes what runs stored on their way and nobody will ask for again. */
import { LodestoneError } from '../../errors';
import { textTable } from '../../report/text-table';
import { bytesText, count, counted } from '../../report/wording';
import { bytesOf, deleteGarbage, garbageOf, type Garbage } from '../../storage/retention';
import { runLayout, runsPrefix } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';
import type { Context } from '../context';
import { viewRun } from '../run-client';
import { nameAndParents } from '../run-name';
import type { Servers } from '../servers';
import { notFound, withServers, type RunOptions } from './known-runs';

interface GcOptions extends RunOptions {
  readonly dryRun?: boolean | undefined;
}

interface Collected extends Garbage {
  readonly run: string;
  readonly bytes: number;
}

/** @param run with the runs that it began; undefined: all that the store holds. One that is open is left as it is. */
export function gc(context: Context, run: string | undefined, options: GcOptions): Promise<number> {
  const command = run === undefined ? 'gc' : `gc ${run}`;
  return withServers(context, options, { worker: 'none', command }, (servers) => gcOn(context, servers, run, options));
}

export async function gcOn(
  context: Context,
  servers: Servers,
  run: string | undefined,
  { dryRun = false, json }: GcOptions,
): Promise<number> {
  const { store } = servers;
  const runs = await namesIn(store, run);
  if (run !== undefined && runs.length === 0 && (await viewRun(servers.client, run)) === null)
    throw await notFound(servers, run);
  const collected: Collected[] = [];
  const open: string[] = [];
  for (const name of runs) {
    const garbage = (await isOpen(servers, name)) ? null : await garbageOf(store, name);
    const bytes = garbage && (await bytesOf(store, garbage));
    // Asked again: listing and weighing take a while, and what a run stores before its manifest looks like garbage.
    if (garbage === null || bytes === null || (await isOpen(servers, name))) open.push(name);
    else {
      if (!dryRun) await deleteGarbage(store, garbage);
      collected.push({ run: name, bytes, ...garbage });
    }
  }
  if (run !== undefined && open.includes(run))
    throw new LodestoneError(
      'InvalidConfig',
      `gc: got ${run}, which is under way: what it stores before its next commit would look like garbage. ` +
        'Wait for its end, or stop it first.',
    );
  say(context, { collected, open, dryRun, json: json ?? false });
  return 0;
}

/** Names of runs in the store, and of what runs share. */
async function namesIn(store: ObjectStore, run: string | undefined): Promise<string[]> {
  const prefix = run === undefined ? runsPrefix : runLayout(run).prefix.slice(0, -1);
  const names = new Set<string>();
  for await (const key of store.list(prefix)) names.add(key.slice(runsPrefix.length).split('/')[0]);
  return [...names].filter((name) => run === undefined || nameAndParents(name).includes(run)).sort();
}

/** Where any of a family is under way, all of it may be written to: its runs share a warm start. */
async function isOpen({ client, store }: Servers, name: string): Promise<boolean> {
  const [first] = nameAndParents(name);
  const family = new Set([first, ...(await namesIn(store, first))].flatMap(nameAndParents));
  for (const each of family) if ((await viewRun(client, each))?.status === 'open') return true;
  return false;
}

function say(
  context: Context,
  found: {
    readonly collected: readonly Collected[];
    readonly open: readonly string[];
    readonly dryRun: boolean;
    readonly json: boolean;
  },
): void {
  const { collected, open, dryRun, json } = found;
  const bytes = collected.reduce((sum, one) => sum + one.bytes, 0);
  if (json) {
    const runs = collected.map(({ run, checkpoints, parts, blobs, bytes: own }) => ({
      ...{ run, bytes: own, checkpoints: checkpoints.length, parts: parts.length, blobs: blobs.length },
    }));
    context.print(JSON.stringify({ deleted: !dryRun, bytes, runs, open }));
    return;
  }
  const some = collected.filter(
    ({ checkpoints, parts, blobs }) => checkpoints.length + parts.length + blobs.length > 0,
  );
  if (some.length > 0)
    context.print(
      textTable([
        ['run', 'checkpoints inside epochs', 'parts of embeddings', 'files', 'size'],
        ...some.map(({ run, checkpoints, parts, blobs, bytes: own }) => [
          run,
          ...[checkpoints, parts, blobs].map(({ length }) => count(length)),
          bytesText(own),
        ]),
      ]),
    );
  const of = counted(collected.length, 'run');
  if (some.length === 0) context.print(`Nothing to delete: ${of} looked through.`);
  else if (dryRun) context.print(`${bytesText(bytes)} in ${of} would go. Nothing was deleted: --dry-run.`);
  else context.print(`${bytesText(bytes)} freed in ${of}. They can be resumed, extended and shown as before.`);
  if (open.length > 0) context.print(`Left as they are, under way: ${open.join(', ')}.`);
}
