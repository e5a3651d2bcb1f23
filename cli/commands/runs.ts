/** lodestone watch, list, show, stop, extend, resume, report: about runs that exist. */
import { resolve } from 'node:path';
import { didYouMean } from '../../config/did-you-mean';
import type { RunProgress } from '../../config/workflow-input';
import { LodestoneError } from '../../errors';
import { runLayout, runsPrefix } from '../../storage/run-layout';
import { withStore, type Context } from '../context';
import { NO_WORKER } from '../follow';
import { beatLine, duration, percent, speedLine } from '../live-view';
import {
  askProgress,
  extendRun,
  hasWorker,
  listRuns,
  signalStop,
  startRun,
  viewRun,
  type RunView,
  type StartRequest,
} from '../run-client';
import { openServers, type Servers, type Wish } from '../servers';
import { extendedTo, startRequestOf, storedOutcome } from '../stored-run';
import { storedSpeed } from '../stored-speed';
import { profileFile, reportFile, shownPath } from '../settings';
import { textTable } from '../../report/text-table';
import { counted } from '../../report/wording';
import { followToAnswer, printOutcome, resumeCommand, watchCommand, writeProfile, writeReport } from './execute';

export interface RunOptions {
  readonly store?: string | undefined;
  readonly json?: boolean | undefined;
  readonly detach?: boolean | undefined;
}

const LISTED = 100;

export function watch(context: Context, run: string, options: RunOptions): Promise<number> {
  return withServers(context, options, { worker: 'all', command: `watch ${run}` }, async (servers) => {
    await known(servers, run);
    return followToAnswer(context, servers, run, { ...options, stopOnInterrupt: false });
  });
}

/** Starts it again with what it was started with; it finds its position in the store. */
export function resume(context: Context, run: string, options: RunOptions): Promise<number> {
  return withServers(context, options, { worker: 'all', command: `resume ${run}` }, async (servers) => {
    const view = await viewRun(servers.client, run);
    if (view?.status !== 'open') {
      const request = await requestOf(servers, run);
      const extended = await extendedTo(servers.client, run);
      if (extended === null) await startRun(servers.client, run, request);
      else await askToExtend(context, servers, run, request, extended);
    }
    if (options.detach) {
      await servers.keepFor(run);
      context.print(`${run} goes on. See it: ${watchCommand(run, options.store)}`);
      return 0;
    }
    return followToAnswer(context, servers, run, { ...options, stopOnInterrupt: true });
  });
}

export function stop(context: Context, run: string, options: RunOptions): Promise<number> {
  return withServers(context, options, { worker: 'all', command: `stop ${run}` }, async (servers) => {
    const view = await known(servers, run);
    if (view.status !== 'open') {
      context.print(`${run} is not running (${view.status}). Go on with it: ${resumeCommand(run, options.store)}`);
      return 0;
    }
    await signalStop(servers.client, run); // the server keeps it, also where no worker serves at the moment
    if (options.detach) {
      await servers.keepFor(run);
      context.print(`${run} stops at its next checkpoint. Go on later: ${resumeCommand(run, options.store)}`);
      return 0;
    }
    await followToAnswer(context, servers, run, { ...options, stopOnInterrupt: false });
    return 0; // it was asked to stop: that it did is no failure
  });
}

/** @param epochs how many in all; an open run trains on to it, a closed one is started again for it */
export function extend(context: Context, run: string, epochs: string, options: RunOptions): Promise<number> {
  const target = Number(epochs);
  if (!Number.isInteger(target) || target < 1)
    throw new LodestoneError(
      'InvalidConfig',
      `epochs: got ${epochs}, must be a whole number of epochs in all, such as 30.`,
    );
  return withServers(context, options, { worker: 'all', command: `extend ${run}` }, async (servers) => {
    const request = await requestOf(servers, run);
    if (request.type !== 'trainPipeline')
      throw new LodestoneError(
        'InvalidConfig',
        `extend: got ${run}, a workflow of type ${request.type}, must be a run of one objective. Extend one of its runs; \`lodestone list --all\` shows them.`,
      );
    const progress = await askToExtend(context, servers, run, request, target);
    context.say(`${run} trains to epoch ${Math.max(target, progress.epochs)}.`);
    if (options.detach) {
      await servers.keepFor(run);
      return 0;
    }
    return followToAnswer(context, servers, run, { ...options, stopOnInterrupt: true });
  });
}

export function list(context: Context, options: RunOptions & { readonly all?: boolean | undefined }): Promise<number> {
  return withServers(context, options, { worker: 'none', command: 'list' }, async (servers) => {
    const views = await listRuns(servers.client, LISTED);
    const stored = await storedRuns(servers, views);
    const isChild = (name: string): boolean => name.includes('--') && !options.all;
    const shown = [...views, ...stored].filter(({ run }) => !isChild(run));
    if (options.json) {
      context.print(
        JSON.stringify({
          runs: shown.map(({ run, status, workflowType, started, closed }) => ({
            run,
            status,
            workflowType,
            started,
            closed,
          })),
        }),
      );
      return 0;
    }
    if (shown.length === 0) context.print('No runs yet. Begin one: npx lodestone run <folder of images>');
    else
      context.print(
        textTable([
          ['run', 'kind', 'status', 'begun', 'took'],
          ...shown.map(({ run, workflowType, status, started, closed }) => [
            run,
            workflowType ?? '–',
            status,
            started?.toISOString().slice(0, 16).replace('T', ' ') ?? '–',
            started && closed ? duration((closed.getTime() - started.getTime()) / 1000) : '–',
          ]),
        ]),
      );
    return 0;
  });
}

export function show(context: Context, run: string, options: RunOptions): Promise<number> {
  return withServers(context, options, { worker: 'none', command: `show ${run}` }, async (servers) => {
    const view = await viewRun(servers.client, run);
    const stored = await storedOutcome(servers.store, run);
    if (stored !== null && (view === null || view.status === 'completed')) {
      await printOutcome(context, servers, run, stored, options);
      return 0;
    }
    if (view === null) throw await notFound(servers, run);
    const result = stored?.type === 'run' ? stored.result : null;
    const progress = view.status === 'open' ? await askProgress(servers.client, run) : null;
    const speed = progress?.speed ?? (await storedSpeed(servers.store, run));
    if (options.json) {
      context.print(
        JSON.stringify({
          run,
          status: view.status,
          progress,
          beat: view.beat,
          speed,
          metrics: result?.metrics ?? null,
          digests: result?.digests ?? null,
        }),
      );
      return 0;
    }
    context.print(`${run}: ${view.status}, begun ${view.started.toISOString()}`);
    if (progress) context.print(`stage ${progress.stage}, epoch ${progress.epoch} of ${progress.epochs}`);
    if (view.beat) context.print(beatLine(view.beat, null));
    if (speed) context.print(speedLine(speed));
    if (view.retry) context.print(`${view.retry.activity}: attempt ${view.retry.attempt} after: ${view.retry.failure}`);
    if (result)
      context.print(
        `stored result after ${counted(result.epochs, 'epoch')}: error ${percent(result.metrics.trained.error1)} on trained labels`,
      );
    context.print(
      view.status === 'open'
        ? `See it: ${watchCommand(run, options.store)}`
        : `Go on: ${resumeCommand(run, options.store)}`,
    );
    return 0;
  });
}

/** Fetches the page of a run or comparison again. */
export function report(
  context: Context,
  run: string,
  options: RunOptions & { readonly out?: string | undefined; readonly profile?: boolean | undefined },
): Promise<number> {
  return withServers(context, options, { worker: 'none', command: `report ${run}` }, async (servers) => {
    if (options.profile) return profile(context, servers, run, options.out);
    const html = await servers.store.get(runLayout(run).report);
    if (html === null)
      throw new LodestoneError(
        'RunNotFound',
        `report of ${run}: is not in the store; a run writes it at its end. \`lodestone show ${run}\` says where the run stands.`,
      );
    const { out } = options;
    const path = await writeReport(
      html,
      out === undefined ? reportFile(context.variables, run) : resolve(context.folder, out),
    );
    context.print(shownPath(context.folder, path));
    return 0;
  });
}

async function profile(context: Context, servers: Servers, run: string, out: string | undefined): Promise<number> {
  const file = out === undefined ? profileFile(context.variables, run) : resolve(context.folder, out);
  const path = await writeProfile(context, servers, run, file);
  if (path === null)
    throw new LodestoneError(
      'RunNotFound',
      `profile of ${run}: is not in the store; an epoch writes it that is trained with --profile. ` +
        'Run it so from the start, under another --name.',
    );
  context.print(shownPath(context.folder, path));
  return 0;
}

async function withServers(
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

/** A worker answers it, not the server; the local stack starts one. */
async function askToExtend(
  context: Context,
  { client, local }: Servers,
  run: string,
  request: StartRequest,
  epochs: number,
): Promise<RunProgress> {
  if (!local && !(await hasWorker(client))) context.say(NO_WORKER);
  return extendRun(client, run, request, epochs);
}

async function requestOf(servers: Servers, run: string): Promise<StartRequest> {
  const request = await startRequestOf(servers, run);
  if (request === null) throw await notFound(servers, run);
  return request;
}

async function known(servers: Servers, run: string): Promise<RunView> {
  const view = await viewRun(servers.client, run);
  if (view === null) throw await notFound(servers, run);
  return view;
}

async function notFound(servers: Servers, run: string): Promise<LodestoneError> {
  const names = [...new Set((await listRuns(servers.client, LISTED)).map((view) => view.run))];
  return new LodestoneError(
    'RunNotFound',
    `run: got ${run}, which this Temporal server does not know. ${didYouMean(run, names.slice(0, 20))}.`,
  );
}

interface Listed {
  readonly run: string;
  readonly workflowType: string | null;
  readonly status: string;
  readonly started: Date | null;
  readonly closed: Date | null;
}

/** Finished runs that the server has forgotten, by their results. */
async function storedRuns({ store }: Servers, views: readonly RunView[]): Promise<Listed[]> {
  const listed = new Set(views.map(({ run }) => run));
  const found: Listed[] = [];
  for await (const key of store.list(runsPrefix)) {
    const run = key.slice(runsPrefix.length).split('/')[0];
    if (listed.has(run)) continue;
    listed.add(run);
    found.push({ run, workflowType: null, status: 'stored', started: null, closed: null });
  }
  return found;
}
