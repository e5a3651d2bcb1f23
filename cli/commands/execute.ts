/**
 * What run, compare, recover, demo, resume and watch do once their request stands: servers, start or attach, follow, answer.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LodestoneError, type FailureKind } from '../../errors';
import type { ObjectRef } from '../../config/artifacts';
import type { Outcome } from '../../config/outcome';
import { runLayout } from '../../storage/run-layout';
import { withStore, type Context } from '../context';
import { exitCodeOf, toLodestoneError } from '../failures';
import { followRun, Interrupted } from '../follow';
import { outcomeJson, outcomeStatus, outcomeText, resultsOf, warningsOf } from '../outcome';
import { startRun, viewRun, type StartRequest } from '../run-client';
import { nameAgain } from '../run-name';
import { openServers, shortageOf, withDiskInMind, type Servers } from '../servers';
import { profileFile, reportFile, shownPath } from '../settings';
import { boundRequestOf, requireSame, startRequestOf } from '../stored-run';
import { profilePage, storedSpeeds } from '../stored-speed';
import type { NamedRequest } from './requests';

export interface ExecuteOptions {
  readonly store?: string | undefined;
  readonly again?: boolean | undefined;
  readonly detach?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly printInput?: boolean | undefined;
  /** Also write the page of the run's profile. */
  readonly profile?: boolean | undefined;
}

/** What a run cannot go on from as it was started: another command is needed, not another try. */
const endsForGood: readonly FailureKind[] = ['InvalidConfig', 'NameTaken', 'RunNotFound'];

/** @returns the exit code */
export async function execute(context: Context, named: NamedRequest, options: ExecuteOptions): Promise<number> {
  const { request } = named;
  if (options.printInput) {
    context.print(JSON.stringify(request.input, null, 2));
    return 0;
  }
  const here = withStore(context, options.store);
  const servers = await openServers(here.variables, { worker: 'all', command: `run ${named.run}` }, context.say);
  try {
    const run = options.again ? await freeName(servers, named.run) : named.run;
    await begin(context, servers, run, request);
    if (options.detach) return await detach(context, servers, run, options);
    return await followToAnswer(context, servers, run, { ...options, stopOnInterrupt: true });
  } finally {
    await servers.release();
  }
}

/** Follows a run that exists and prints what it returned. @returns the exit code */
export async function followToAnswer(
  context: Context,
  servers: Servers,
  run: string,
  options: ExecuteOptions & { readonly stopOnInterrupt: boolean },
): Promise<number> {
  const resume = resumeCommand(run, options.store);
  try {
    const { stopOnInterrupt } = options;
    const shortage = (): Promise<LodestoneError | null> => shortageOf(servers, context.variables);
    const { takenDown } = servers;
    const following = { stream: context.err, resume, stopOnInterrupt, shortage, takenDown };
    const outcome = await followRun(servers.client, run, following);
    await printOutcome(context, servers, run, outcome, options);
    if (outcomeStatus(outcome) === 'finished') return 0;
    context.say(`Stopped before its last epoch. Go on with: ${resume}`);
    return exitCodeOf(new LodestoneError('RunStopped', ''));
  } catch (error) {
    if (error instanceof Interrupted) {
      // The local stack ends with the last command that holds it; a worker elsewhere does not.
      const goesOn = servers.local
        ? 'goes on while anything else holds the local stack'
        : 'goes on where its worker runs';
      context.say(`Left ${run}; it ${goesOn}. See it again: ${watchCommand(run, options.store)}. Go on: ${resume}`);
      return 130;
    }
    const failure = await withDiskInMind(toLodestoneError(error), servers, context.variables);
    const exitCode = exitCodeOf(failure);
    const isMendable = !endsForGood.includes(failure.kind);
    const wasStopped = failure.kind === 'RunStopped';
    if (options.json)
      context.print(
        JSON.stringify({
          run,
          status: wasStopped ? 'stopped' : 'failed',
          error: { kind: failure.kind, message: failure.message, exitCode },
          ...(isMendable ? { resume } : {}),
        }),
      );
    context.say(`${failure.kind}: ${failure.message}`);
    const goOn = wasStopped ? 'Go on with' : 'Go on from what is stored, once that is mended';
    if (isMendable) context.say(`${goOn}: ${resume}`);
    return exitCode;
  }
}

/** The result and where its page lies, which is fetched. */
export async function printOutcome(
  context: Context,
  servers: Pick<Servers, 'store'>,
  run: string,
  outcome: Outcome,
  { json, store, profile: wanted }: ExecuteOptions,
): Promise<void> {
  const report = await fetchReport(servers, outcome.report, reportFile(context.variables, run));
  const warnings = await warningsOf(servers.store, outcome);
  const profile = wanted ? await writeProfile(context, servers, run) : null;
  const speeds = await storedSpeeds(servers.store, resultsOf(outcome));
  if (!json) {
    const speed = outcome.type === 'run' ? (speeds.get(run) ?? null) : null;
    context.print(outcomeText(outcome, shownPath(context.folder, report), warnings, speed));
    if (wanted) context.print(profile === null ? NO_PROFILE : `Profile: ${shownPath(context.folder, profile)}`);
    return;
  }
  const resume = outcomeStatus(outcome) === 'finished' ? {} : { resume: resumeCommand(run, store) };
  context.print(
    JSON.stringify({
      ...outcomeJson(run, outcome, speeds),
      warnings,
      report,
      ...(wanted ? { profile } : {}),
      reportObject: outcome.report,
      ...resume,
    }),
  );
}

export function resumeCommand(run: string, store: string | undefined): string {
  return commandOn('resume', run, store);
}

export function watchCommand(run: string, store: string | undefined): string {
  return commandOn('watch', run, store);
}

/** As it can be pasted: a store that came as an option is none that the environment names. */
function commandOn(command: string, run: string, store: string | undefined): string {
  return `npx lodestone ${command} ${run}${store === undefined ? '' : ` --store '${store}'`}`;
}

const NO_PROFILE =
  'No profile: none of the run’s steps was traced, for its epochs were found done. --again trains anew under a new name.';

/** The page of the run's profile as a file; null where there is no profile. */
export async function writeProfile(
  context: Context,
  { store }: Pick<Servers, 'store'>,
  run: string,
  file = profileFile(context.variables, run),
): Promise<string | null> {
  const page = await profilePage(store, run);
  return page === null ? null : writeReport(Buffer.from(page), file);
}

/** Downloads a report whole, checks it, and returns where it lies. */
export async function fetchReport({ store }: Pick<Servers, 'store'>, ref: ObjectRef, file: string): Promise<string> {
  const { getVerified } = await import('../../storage/blobs');
  return writeReport(await getVerified(store, ref), file);
}

export async function writeReport(html: Uint8Array, file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, html);
  return file;
}

async function begin(context: Context, servers: Servers, run: string, request: StartRequest): Promise<void> {
  const before = await viewRun(servers.client, run);
  const isOpen = before?.status === 'open';
  const held = isOpen ? await startRequestOf(servers, run) : await boundRequestOf(servers.store, run);
  if (held !== null) requireSame(run, held, request, isOpen);
  if (isOpen) context.say(`${run} is under way; attaching to it.`);
  else if (held !== null)
    context.say(`${run} was begun before: going on from what is stored. --again trains anew under a new name.`);
  await startRun(servers.client, run, request);
  if (servers.temporalUi)
    context.say(`${run} in Temporal's page: ${servers.temporalUi}/namespaces/default/workflows/${run}`);
}

async function detach(
  context: Context,
  servers: Servers,
  run: string,
  { json, store }: ExecuteOptions,
): Promise<number> {
  await servers.keepFor(run);
  if (json) context.print(JSON.stringify({ run, status: 'started' }));
  else context.print(`${run} is under way without this command. See it: ${watchCommand(run, store)}`);
  return 0;
}

/** The first of name-2, name-3, … that nothing is stored or known under. */
async function freeName(servers: Servers, name: string): Promise<string> {
  for (let n = 2; ; n++) {
    const candidate = nameAgain(name, n);
    if (!(await isStored(servers, candidate)) && (await viewRun(servers.client, candidate)) === null) return candidate;
  }
}

async function isStored({ store }: Servers, run: string): Promise<boolean> {
  const first = await store.list(runLayout(run).prefix)[Symbol.asyncIterator]().next();
  return first.done !== true;
}
