/**
 * Which Temporal server and which store a command uses: those that the environment names, else the local stack, which is
 * held for the command's duration. Loads the clients only when servers are asked for.
 *
 * Invariants:
 *   E2  Both or neither: a configured Temporal server never meets the local store, nor the other way round.
 *   1   Whatever happens, release() lets go of the connection and of the stack; it may be called twice.
 */
import type { Client, Connection } from '@temporalio/client';
import { temporalSettings } from '../activities/temporal-settings';
import type { StackHandle } from '../infra/stack/client';
import type { ObjectStore } from '../storage/store';
import { readEnvironment } from '../config/environment';
import { shownLocation } from '../config/shown-location';
import { LodestoneError } from '../errors';
import { toLodestoneError } from './failures';
import { projectRoot, stackFolder, type Surroundings } from './settings';
import { connectTemporal } from './temporal-connection';

/** What to hold of the local stack, where it is the one used. */
export interface Wish {
  /** `all`: runs must go on, so a worker is wanted; `none`: the servers are read only. */
  readonly worker: 'none' | 'all';
  /** What `lodestone dev status` calls the holder. */
  readonly command: string;
}

export interface Servers {
  readonly client: Client;
  readonly connection: Connection;
  readonly store: ObjectStore;
  readonly local: boolean;
  /** The environment with the servers in use, for workers. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly temporalUi: string | null;
  /** Rejects when somebody takes the local stack down; null: the servers are others. */
  readonly takenDown: Promise<never> | null;
  /** Lets the local stack live on until the run is closed, without this command. */
  keepFor(run: string): Promise<void>;
  release(): Promise<void>;
}

export type Configured = { readonly type: 'local' } | { readonly type: 'configured'; readonly address: string };

type Variables = Surroundings['variables'];

/** Both from the environment, or both local (E2). */
export function configuredServers(variables: Variables): Configured {
  const address = temporalSettings(variables).connectionOptions.address ?? null;
  const { store } = readEnvironment(variables);
  if (address === null && store === null) return { type: 'local' };
  if (store === null)
    throw new LodestoneError(
      'InvalidConfig',
      `store: got nothing, but a Temporal server is configured (${address}); its runs need a store that its workers reach. ` +
        'Set --store or LODESTONE_STORE to s3://bucket/prefix or file:///path, or unset TEMPORAL_* to use the local stack.',
    );
  if (address === null)
    throw new LodestoneError(
      'InvalidConfig',
      `TEMPORAL_ADDRESS: got nothing, but a store is configured (${shownLocation(store)}); the local stack uses its own store only. ` +
        'Set TEMPORAL_ADDRESS (or a profile), or leave --store and LODESTONE_STORE out to use the local stack.',
    );
  return { type: 'configured', address };
}

export async function openServers(variables: Variables, wish: Wish, say: (line: string) => void): Promise<Servers> {
  const configured = configuredServers(variables);
  const stack = configured.type === 'local' ? await holdStack(variables, wish, say) : null;
  try {
    const merged = stack === null ? variables : { ...variables, ...stack.environment };
    return await connect(merged, stack);
  } catch (error) {
    await stack?.release();
    throw error;
  }
}

/** Whether the store can be read with these credentials; a store that says no to this says no to a run. */
export async function requireStore(store: ObjectStore): Promise<void> {
  await store.list('lodestone-asks/')[Symbol.asyncIterator]().next();
}

/** A local Temporal server that falls silent may have no room to write: then that is what to say. */
export async function withDiskInMind(
  failure: LodestoneError,
  servers: Pick<Servers, 'local'>,
  variables: Variables,
): Promise<LodestoneError> {
  if (failure.kind !== 'TemporalUnavailable') return failure;
  return (await shortageOf(servers, variables)) ?? failure;
}

/** Of room under the local stack, whose servers do not say so themselves; null: there is room, or the servers are others. */
export async function shortageOf(
  { local }: Pick<Servers, 'local'>,
  variables: Variables,
): Promise<LodestoneError | null> {
  if (!local) return null;
  const { requireRoom } = await import('../infra/stack/disk');
  const failure = await requireRoom(stackFolder(variables)).then(() => null, toLodestoneError);
  return failure?.kind === 'DiskFull' ? failure : null;
}

/** The local stack alone, for a worker that a person starts by hand. */
export async function holdStack(
  variables: Variables,
  { worker, command }: Wish,
  say: (line: string) => void,
): Promise<StackHandle> {
  const { ensureStack } = await import('../infra/stack/client');
  const lease = { type: 'command', name: command } as const;
  return ensureStack({ stateDir: stackFolder(variables), projectRoot, worker, lease, onProgress: say });
}

async function connect(variables: Variables, stack: StackHandle | null): Promise<Servers> {
  const { Client } = await import('@temporalio/client');
  const { openStore } = await import('../storage/open');
  const environment = readEnvironment(variables);
  const store = openStore(environment.store ?? '', environment);
  const options = stack === null ? temporalSettings(variables) : settingsOf(stack);
  const takenDown = stack && stack.stopped.then(() => Promise.reject(takenDownError()));
  takenDown?.catch(() => undefined); // not every command waits for it
  const connection = await connectTemporal(options.connectionOptions);
  const client = new Client({ connection, namespace: options.namespace ?? 'default' });
  let released = false;
  return {
    client,
    connection,
    store,
    local: stack !== null,
    variables,
    temporalUi: stack?.endpoints.temporalUi ?? null,
    takenDown,
    keepFor: async (run) => {
      if (stack === null) return;
      const { ensureStack } = await import('../infra/stack/client');
      const kept = await ensureStack({
        stateDir: stackFolder(variables),
        projectRoot,
        worker: 'all',
        lease: { type: 'run', name: run },
      });
      await kept.release();
    },
    release: async () => {
      if (released) return;
      released = true;
      await connection.close();
      await stack?.release();
    },
  };
}

function takenDownError(): LodestoneError {
  return new LodestoneError(
    'RunStopped',
    'the local stack was taken down (lodestone dev down). What runs committed is kept.',
  );
}

/** Without TEMPORAL_* and profile files of the person: they are for other servers. */
function settingsOf({ connection }: StackHandle): { connectionOptions: StackHandle['connection']; namespace: string } {
  return { connectionOptions: connection, namespace: 'default' };
}
