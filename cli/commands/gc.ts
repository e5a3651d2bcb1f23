/** lodestone gc: deletes what runs stored on their way and nobody will ask for again. */
import { didYouMean } from '../../config/did-you-mean';
import { LodestoneError } from '../../errors';
import { textTable } from '../../report/text-table';
import { bytesText, count, counted } from '../../report/wording';
import { deleteGarbage, garbageOf, type Garbage } from '../../storage/retention';
import { runLayout, runsPrefix } from '../../storage/run-layout';
import type { ObjectStore } from '../../storage/store';
import type { Context } from '../context';
import { viewRun } from '../run-client';
import { isRunOrChild, nameAndParents } from '../run-name';
import type { Servers } from '../servers';
import { withServers, type RunOptions } from './known-runs';

export interface GcOptions extends RunOptions {
  readonly dryRun?: boolean | undefined;
  /** Minutes, as it was typed. */
  readonly grace?: string | undefined;
}

type Looked =
  | ({ readonly run: string; readonly type: 'collected' } & Garbage)
  | { readonly run: string; readonly type: 'left'; readonly why: string };

/** @param run with the runs that it began; undefined: all that the store holds. One that is open is left as it is. */
export function gc(context: Context, run: string | undefined, options: GcOptions): Promise<number> {
  const command = run === undefined ? 'gc' : `gc ${run}`;
  return withServers(context, options, { worker: 'none', command }, (servers) => gcOn(context, servers, run, options));
}

export async function gcOn(
  context: Context,
  servers: Servers,
  run: string | undefined,
  { dryRun = false, json = false, grace = '60' }: GcOptions,
): Promise<number> {
  const minutes = Number(grace);
  const before = new Date(Date.now() - minutes * 60_000);
  if (grace.trim() === '' || !(minutes >= 0) || Number.isNaN(before.getTime()))
    throw new LodestoneError('InvalidConfig', `grace: got ${grace}, must be minutes, at least 0, such as 60.`);
  const { store } = servers;
  const [first] = run === undefined ? [''] : nameAndParents(run);
  const names = await namesIn(store, first);
  const runs = names.filter((name) => run === undefined || nameAndParents(name).includes(run));
  const openOf = (name: string): Promise<string | null> => openInFamily(servers, name, names);
  if (run !== undefined) {
    const open = await openOf(run);
    if (open !== null)
      throw new LodestoneError(
        'InvalidConfig',
        `gc: got ${run}, but ${open} is under way: what it stores before its next commit would look like garbage. ` +
          'Wait for its end, or stop it first.',
      );
    if (runs.length === 0)
      throw new LodestoneError(
        'RunNotFound',
        `run: got ${run}, of which this store holds nothing. ${didYouMean(run, (await namesIn(store, '')).slice(0, COMPARED))}.`,
      );
  }

  const looked: Looked[] = [];
  for (const name of runs) {
    const open = await openOf(name);
    if (open !== null) looked.push({ run: name, type: 'left', why: `${open === name ? 'it' : open} is under way` });
    else
      looked.push(await collect(store, name, { before, dryRun, mayGoOn: async () => (await openOf(name)) === null }));
  }
  if (json) context.print(JSON.stringify(factsOf(looked, dryRun)));
  else say(context, looked, { dryRun, minutes });
  return 0;
}

async function collect(
  store: ObjectStore,
  run: string,
  {
    before,
    dryRun,
    mayGoOn,
  }: { readonly before: Date; readonly dryRun: boolean; readonly mayGoOn: () => Promise<boolean> },
): Promise<Looked> {
  try {
    const garbage = await garbageOf(store, run, { before });
    const whole = garbage.checkpoints.length + garbage.parts.length + garbage.blobs.length;
    const isDone = dryRun || (await deleteGarbage(store, garbage, mayGoOn)) === whole;
    return isDone
      ? { run, type: 'collected', ...garbage }
      : { run, type: 'left', why: 'began while it was looked through' };
  } catch (error) {
    if (!(error instanceof LodestoneError) || !['InvalidConfig', 'ArtifactCorrupt'].includes(error.kind)) throw error;
    return { run, type: 'left', why: error.message };
  }
}

/** Names of runs in the store, and of what runs share, that begin so. */
async function namesIn(store: ObjectStore, beginning: string): Promise<string[]> {
  const prefix = beginning === '' ? runsPrefix : runLayout(beginning).prefix.slice(0, -1);
  const names = new Set<string>();
  for await (const key of store.list(prefix)) names.add(key.slice(runsPrefix.length).split('/')[0]);
  return [...names].filter(isRunOrChild).sort();
}

/** Where any of a family is under way, all of it may be written to: its runs share a warm start. */
async function openInFamily({ client }: Servers, name: string, names: readonly string[]): Promise<string | null> {
  const [first] = nameAndParents(name);
  const relatives = names.filter((other) => nameAndParents(other)[0] === first);
  const family = [...new Set([name, ...relatives].flatMap(nameAndParents))];
  for (let from = 0; from < family.length; from += ASKED_AT_ONCE) {
    const some = family.slice(from, from + ASKED_AT_ONCE);
    const views = await Promise.all(some.map((each) => viewRun(client, each)));
    const open = views.find((view) => view?.status === 'open');
    if (open) return open.run;
  }
  return null;
}

const ASKED_AT_ONCE = 16;
/** Names that a wrong one is compared with. */
const COMPARED = 20;

function factsOf(looked: readonly Looked[], dryRun: boolean): Record<string, unknown> {
  const runs = looked.flatMap((one) =>
    one.type === 'collected'
      ? {
          run: one.run,
          bytes: one.bytes,
          checkpoints: one.checkpoints.length,
          parts: one.parts.length,
          blobs: one.blobs.length,
          damaged: one.damaged,
        }
      : [],
  );
  const left = looked.flatMap((one) => (one.type === 'left' ? { run: one.run, why: one.why } : []));
  return { deleted: !dryRun, bytes: runs.reduce((sum, { bytes }) => sum + bytes, 0), runs, left };
}

function say(
  { print }: Context,
  looked: readonly Looked[],
  { dryRun, minutes }: { readonly dryRun: boolean; readonly minutes: number },
): void {
  const collected = looked.flatMap((one) => (one.type === 'collected' ? one : []));
  const some = collected.filter(
    ({ checkpoints, parts, blobs }) => checkpoints.length + parts.length + blobs.length > 0,
  );
  const bytes = bytesText(some.reduce((sum, one) => sum + one.bytes, 0));
  const spared = minutes > 0 ? `; what is younger than ${counted(minutes, 'minute')} is spared (--grace)` : '';
  if (some.length === 0) print(`Nothing to delete in ${counted(collected.length, 'run')}${spared}.`);
  else {
    const rows = some.map(({ run, checkpoints, parts, blobs, bytes: own }) => [
      run,
      ...[checkpoints, parts, blobs].map(({ length }) => count(length)),
      bytesText(own),
    ]);
    print(textTable([['run', 'checkpoints inside epochs', 'parts of embeddings', 'files', 'size'], ...rows]));
    if (dryRun) print(`${bytes} of ${counted(some.length, 'run')} would go. Nothing was deleted (--dry-run).`);
    else
      print(`${bytes} of ${counted(some.length, 'run')} deleted. All runs are resumed, extended and shown as before.`);
  }
  for (const { run, damaged } of collected)
    if (damaged.length > 0)
      print(`${run}: its files stay, they may be what mends it: ${damaged.slice(0, 3).join('; ')}`);
  for (const one of looked) if (one.type === 'left') print(`${one.run}: left as it is: ${one.why}.`);
}
