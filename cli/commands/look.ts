/** lodestone list, show, report: what is known of runs, without a worker. */
import { resolve } from 'node:path';
import { LodestoneError } from '../../errors';
import { textTable } from '../../report/text-table';
import { counted } from '../../report/wording';
import { runLayout } from '../../storage/run-layout';
import type { Context } from '../context';
import { listedRuns } from '../listed-runs';
import { beatLine, duration, percent, speedLine } from '../live-view';
import { askProgress, viewRun } from '../run-client';
import type { Servers } from '../servers';
import { profileFile, reportFile, shownPath } from '../settings';
import { storedOutcome } from '../stored-run';
import { storedSpeed } from '../stored-speed';
import { printOutcome, resumeCommand, watchCommand, writeProfile, writeReport } from './execute';
import { notFound, withServers, type RunOptions } from './known-runs';

export function list(context: Context, options: RunOptions & { readonly all?: boolean | undefined }): Promise<number> {
  return withServers(context, options, { worker: 'none', command: 'list' }, async (servers) => {
    const shown = await listedRuns(servers, options.all ?? false);
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
