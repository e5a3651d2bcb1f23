/**
 * What a run's name is bound to (S9): its result-affecting configuration, then its data set. The stock client skips whatever
 * a command checks, so the workflow's first activity does.
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { ObjectRef, RunResult } from '../config/artifacts';
import { canonicalJson, digestOf } from '../config/canonical-json';
import { differencesOf } from '../config/differences';
import { freeFields, Recipe } from '../config/recipe';
import { LodestoneError } from '../errors';
import { commitManifest, findManifest, readManifest, replaceManifest } from '../storage/commits';
import { runLayout } from '../storage/run-layout';
import type { ObjectStore } from '../storage/store';
import type { BindRequest, BoundRun } from './requests';
import type { Services } from './services';

const Bound = z.strictObject({ configuration: z.record(z.string(), z.unknown()), threads: z.int() });
const BoundData = z.strictObject({ dataSet: ObjectRef });
export const FinishedRecord = z.strictObject({ result: RunResult, report: ObjectRef });

const MAX_THREADS = 16;

export async function bindRun({ store }: Services, request: BindRequest): Promise<BoundRun> {
  const { run, kind } = request;
  const layout = runLayout(run);
  const configuration = configurationOf(request);
  const threads = request.threads ?? Math.min(MAX_THREADS, availableParallelism());
  const earlier = asWrittenNow((await findManifest(store, layout.bind, Bound))?.value ?? null);
  const fresh = { configuration, threads };
  const isFree =
    earlier !== null &&
    differencesOf(earlier.configuration, configuration).length > 0 &&
    (await holdsNothing(store, run));
  if (isFree) await replaceManifest(store, layout.bind, Bound, fresh);
  const held = isFree ? fresh : (earlier ?? (await bind(store, layout.bind, fresh)));
  const differences = differencesOf(held.configuration, configuration);
  if (differences.length > 0) {
    throw new LodestoneError(
      'NameTaken',
      `run ${run}: the name belongs to another configuration:\n  ${differences.slice(0, 8).join('\n  ')}\nTake another --name, or the configuration that it was started with.`,
    );
  }
  const finished = kind === 'run' ? ((await findManifest(store, layout.result, FinishedRecord))?.value ?? null) : null;
  return {
    configuration: digestOf(configuration),
    threads: held.threads,
    finished: finished?.result.status === 'finished' ? finished : null,
  };
}

/** The data set that a name was first trained on stays the one that it is trained on. */
export async function bindDataSet(store: ObjectStore, run: string, dataSet: ObjectRef): Promise<void> {
  const key = runLayout(run).dataSet;
  const ref = await commitManifest(store, key, BoundData, { dataSet });
  const bound = await readManifest(store, ref, BoundData);
  if (bound.dataSet.sha256 === dataSet.sha256) return;
  throw new LodestoneError(
    'NameTaken',
    `run ${run}: its images or labels changed since it was first started (data set ${bound.dataSet.sha256.slice(0, 12)}, now ${dataSet.sha256.slice(0, 12)}). ` +
      'Put the files back, or start a new run with another --name.',
  );
}

/** A start that failed on its input left nothing but its name: a typing error does not burn it. */
async function holdsNothing(store: ObjectStore, run: string): Promise<boolean> {
  const { prefix, bind } = runLayout(run);
  for await (const key of store.list(prefix)) if (key !== bind) return false;
  return true;
}

async function bind(store: ObjectStore, key: string, value: z.infer<typeof Bound>): Promise<z.infer<typeof Bound>> {
  return readManifest(store, await commitManifest(store, key, Bound, value), Bound);
}

/** All that decides the result, as flat as it is readable: threads stand beside it, fixed at the first start. */
function configurationOf({ kind, data, recipe, also }: BindRequest): Record<string, unknown> {
  return JSON.parse(canonicalJson({ kind, data, ...also, recipe: decidingFields(recipe) })) as Record<string, unknown>;
}

/** An earlier version knew fewer fields: those that came later have their defaults, which compute what it computed. */
function asWrittenNow(bound: z.infer<typeof Bound> | null): z.infer<typeof Bound> | null {
  const recipe = Recipe.safeParse(bound?.configuration['recipe']);
  if (bound === null || !recipe.success) return bound;
  return { ...bound, configuration: { ...bound.configuration, recipe: decidingFields(recipe.data) } };
}

function decidingFields({ engine, ...rest }: Recipe): Record<string, unknown> {
  const fields = Object.entries({ ...rest, engine: { ...engine, threads: null } });
  return Object.fromEntries(fields.filter(([name]) => !(freeFields as readonly string[]).includes(name)));
}
