/**
 * What a run was started with and what it left: from the server's history while it lasts, else from the store, so that a
 * run can be started again and shown after the server forgot it.
 */
import { z } from 'zod';
import { Outcome } from '../config/outcome';
import { differencesOf } from '../config/differences';
import { parseAtEdge } from '../config/parse';
import { freeFields } from '../config/recipe';
import { CompareInput, RecoverInput, TrainPipelineInput } from '../config/workflow-input';
import { LodestoneError } from '../errors';
import { runLayout } from '../storage/run-layout';
import type { ObjectStore } from '../storage/store';
import type { StartRequest } from './run-client';
import type { Servers } from './servers';

/** Of activities/binding.ts: the fields that name the data and the recipe. */
const Bound = z.looseObject({
  configuration: z.looseObject({
    kind: z.enum(['run', 'comparison', 'recovery']),
    data: z.unknown(),
    recipe: z.unknown(),
    objectives: z.string().optional(),
    pairings: z.string().optional(),
  }),
});

/** A run's own record has no type: it is what its workflow finds again as finished (activities/binding.ts). */
const Stored = z.preprocess(
  (record) =>
    typeof record === 'object' && record !== null && !('type' in record) ? { type: 'run', ...record } : record,
  Outcome,
);

/** Null where neither the server nor the store knows the run. */
export async function startRequestOf(
  servers: Pick<Servers, 'client' | 'store'>,
  run: string,
): Promise<StartRequest | null> {
  const newest = await fromHistory(servers.client, run);
  const bound = await fromStore(servers.store, run);
  // The newest execution may be one that asked for something else and was refused; a child's history has more (its start).
  if (newest === null || bound === null) return newest ?? bound;
  return differencesOf(deciding(bound), deciding(newest)).length === 0 ? newest : bound;
}

/**
 * How many epochs in all the newest execution was told to train beyond what it was started with; null: none. That stands in
 * the history alone: a name is bound to the epochs of its configuration, and to no others.
 */
export async function extendedTo(client: Servers['client'], run: string): Promise<number | null> {
  const { events } = await client.workflow
    .getHandle(run)
    .fetchHistory()
    .catch((error: unknown) => {
      if ((error as Error).name === 'WorkflowNotFoundError') return { events: null };
      throw error;
    });
  let epochs: number | null = null;
  for (const { workflowExecutionStartedEventAttributes: started, ...event } of events ?? []) {
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    const carried = started ? Carrying.safeParse(firstOf(started.input)).data?.carried?.epochs : undefined;
    const asked = update?.name === 'extend' ? Extension.safeParse(firstOf(update.args)).data?.epochs : undefined;
    epochs = Math.max(epochs ?? 0, carried ?? 0, asked ?? 0) || null;
  }
  return epochs;
}

const Extension = z.object({ epochs: z.int() });
/** A long run carries its epochs into the next execution. */
const Carrying = z.object({ carried: Extension.nullish() });

interface Payloads {
  readonly payloads?: readonly { readonly data?: Uint8Array | null }[] | null;
}

function firstOf(given: Payloads | null | undefined): unknown {
  const data = given?.payloads?.[0]?.data;
  return data ? JSON.parse(Buffer.from(data).toString('utf8')) : null;
}

/** What a run, comparison or recovery left at its end; the server may have forgotten it (W3). */
export async function storedOutcome(store: ObjectStore, run: string): Promise<Outcome | null> {
  const key = runLayout(run).result;
  const bytes = await store.get(key);
  return bytes && parseAtEdge(Stored, JSON.parse(Buffer.from(bytes).toString('utf8')), key, 'ArtifactCorrupt');
}

/**
 * What the name is bound to for good (S9): null where it was never used, or failed before anything was stored under it.
 * The workflow's first activity binds it; this asks first, so that a refusal does not become the run's last execution.
 */
export async function boundRequestOf(store: ObjectStore, run: string): Promise<StartRequest | null> {
  const { prefix, bind } = runLayout(run);
  for await (const key of store.list(prefix)) if (key !== bind) return fromStore(store, run);
  return null;
}

/**
 * A run is attached to, or gone on with, only by what it was started with.
 * @throws NameTaken that shows what differs
 */
export function requireSame(run: string, held: StartRequest, given: StartRequest, isOpen: boolean): void {
  const differences = differencesOf(deciding(held), deciding(given));
  if (differences.length === 0) return;
  throw new LodestoneError(
    'NameTaken',
    `run ${run}: ${isOpen ? 'is under way with' : 'the name belongs to'} another configuration:\n  ${differences.slice(0, 8).join('\n  ')}\n` +
      `Take another --name, or ${isOpen ? 'stop that run first' : 'the configuration that it was started with'}.`,
  );
}

/** Every field that decides the result; threads are fixed by the first start, whatever is asked. */
function deciding({ type, input }: StartRequest): Record<string, unknown> {
  const { recipe, data } = input;
  const fields = Object.entries({ ...recipe, engine: { ...recipe.engine, threads: null } }).filter(
    ([name]) => !(freeFields as readonly string[]).includes(name),
  );
  const objectives = 'objectives' in input ? input.objectives : null;
  const pairings = 'pairings' in input ? input.pairings : null;
  return { type, data, recipe: Object.fromEntries(fields), objectives, pairings };
}

/** The input in the newest execution's first event; what it had carried over is in the store. */
async function fromHistory(client: Servers['client'], run: string): Promise<StartRequest | null> {
  const { history } = await client.workflowService
    .getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId: run },
      maximumPageSize: 1,
    })
    .catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 5) return { history: null }; // not found
      throw error;
    });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const raw = firstOf(started?.input);
  if (!started || raw === null) return null;
  return requestOf(run, started.workflowType?.name ?? 'unknown', raw as Record<string, unknown>);
}

async function fromStore(store: ObjectStore, run: string): Promise<StartRequest | null> {
  const key = runLayout(run).bind;
  const bytes = await store.get(key);
  if (bytes === null) return null;
  const { configuration } = parseAtEdge(Bound, JSON.parse(Buffer.from(bytes).toString('utf8')), key, 'ArtifactCorrupt');
  const { kind, data, recipe, objectives, pairings } = configuration;
  const types = { run: 'trainPipeline', comparison: 'compareObjectives', recovery: 'hierarchyRecovery' } as const;
  return requestOf(run, types[kind], {
    version: 1,
    data,
    recipe,
    ...(objectives === undefined ? {} : { objectives: objectives.split(',') }),
    ...(pairings === undefined ? {} : { pairings: Number(pairings) }),
  });
}

function requestOf(run: string, type: string, raw: Record<string, unknown>): StartRequest {
  const what = `input of ${run}`;
  switch (type) {
    case 'trainPipeline':
      return { type, input: parseAtEdge(TrainPipelineInput, { ...raw, carried: null }, what) };
    case 'compareObjectives':
      return { type, input: parseAtEdge(CompareInput, raw, what) };
    case 'hierarchyRecovery':
      return { type, input: parseAtEdge(RecoverInput, raw, what) };
    default:
      throw new LodestoneError(
        'RunNotFound',
        `run ${run}: is a workflow of type ${type}, which is not lodestone's. \`lodestone list\` shows the runs there are.`,
      );
  }
}
