/** lodestone watch, resume, stop, extend: what is done to runs that exist. */
import type { RunProgress } from '../../config/workflow-input';
import { failures, LodestoneError } from '../../errors';
import type { Context } from '../context';
import { NO_WORKER } from '../follow';
import { extendRun, hasWorker, signalStop, startRun, viewRun, type StartRequest } from '../run-client';
import type { Servers } from '../servers';
import { extendedTo, startRequestOf } from '../stored-run';
import { followToAnswer, resumeCommand, watchCommand } from './execute';
import { known, notFound, withServers, type RunOptions } from './known-runs';

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
      answer(
        context,
        options,
        { run, status: 'started' },
        `${run} goes on. See it: ${watchCommand(run, options.store)}`,
      );
      return 0;
    }
    return followToAnswer(context, servers, run, { ...options, stopOnInterrupt: true });
  });
}

export function stop(context: Context, run: string, options: RunOptions): Promise<number> {
  return withServers(context, options, { worker: 'all', command: `stop ${run}` }, (servers) =>
    stopOn(context, servers, run, options),
  );
}

/** @returns 0 where the run stopped or finished, else the code of what it failed with, or of a view that was left */
export async function stopOn(context: Context, servers: Servers, run: string, options: RunOptions): Promise<number> {
  const view = await known(servers, run);
  if (view.status !== 'open') {
    const resume = resumeCommand(run, options.store);
    const text = `${run} is not running (${view.status}). Go on with it: ${resume}`;
    answer(context, options, { run, status: view.status, resume }, text);
    return 0;
  }
  await signalStop(servers.client, run); // the server keeps it, also where no worker serves at the moment
  if (options.detach) {
    await servers.keepFor(run);
    const resume = resumeCommand(run, options.store);
    const text = `${run} stops at its next checkpoint. Go on later: ${resume}`;
    answer(context, options, { run, status: 'stopping', resume }, text);
    return 0;
  }
  const code = await followToAnswer(context, servers, run, { ...options, stopOnInterrupt: false });
  return code === failures.RunStopped.exitCode ? 0 : code; // it was asked to stop: that it did is no failure
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
    const total = Math.max(target, progress.epochs);
    context.say(`${run} trains to epoch ${total}.`);
    if (options.detach) {
      await servers.keepFor(run);
      answer(
        context,
        options,
        { run, status: 'started', epochs: total },
        `See it: ${watchCommand(run, options.store)}`,
      );
      return 0;
    }
    return followToAnswer(context, servers, run, { ...options, stopOnInterrupt: true });
  });
}

/** What a command says that does not wait for the run: to a program, or in words. */
function answer({ print }: Context, { json }: RunOptions, facts: Record<string, unknown>, text: string): void {
  print(json ? JSON.stringify(facts) : text);
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
