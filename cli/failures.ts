/**
 * From anything thrown to one LodestoneError with a clean message: what workflows and activities failed with is unwrapped,
 * what gRPC says is put in words. Works by names and shapes, so that it loads no client.
 */
import { failures, isFailureKind, LodestoneError, type FailureKind } from '../errors';

interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly type?: unknown;
  readonly cause?: unknown;
  readonly code?: unknown;
  readonly details?: unknown;
  readonly path?: string;
}

/** gRPC codes: 4 deadline exceeded, 14 unavailable; 7 permission denied, 16 unauthenticated; 5 not found. */
const UNREACHABLE = new Set([4, 14]);
const REFUSED = new Set([7, 16]);
/** No space on the disk, none in the quota, a file longer than this process may write. */
const diskIsFull = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const NOT_ALLOWED = 'refuses this user, must be a place to read and write. Mend its permissions, or name another.';
/** What is wrong with a place that was named. */
const wrongPlace: ReadonlyMap<unknown, string> = new Map([
  ['EISDIR', 'got a folder, must be a file. Name a file in it, or another.'],
  ['ENOTDIR', 'got a file on the way to it, must be folders. Name another place.'],
  ['EACCES', NOT_ALLOWED],
  ['EPERM', NOT_ALLOWED],
  ['EROFS', 'lies on a disk that is mounted for reading, must be a place to write. Name another.'],
]);

export function toLodestoneError(error: unknown): LodestoneError {
  const chain = causes(error);
  const ours = chain.find((one): one is LodestoneError => one instanceof LodestoneError);
  if (ours !== undefined) return ours;

  const failure = chain.find(({ type }) => isFailureKind(type));
  if (failure !== undefined)
    return new LodestoneError(failure.type as FailureKind, failure.message ?? '', { cause: error });

  const named = (name: string): Thrown | undefined => chain.find((one) => one.name === name);
  const missing = named('WorkflowNotFoundError');
  if (missing !== undefined)
    return new LodestoneError(
      'RunNotFound',
      `${missing.message ?? 'run not found'}. \`lodestone list\` shows the runs there are.`,
      { cause: error },
    );
  const namespace = named('NamespaceNotFoundError');
  if (namespace !== undefined)
    return new LodestoneError(
      'TemporalUnavailable',
      `TEMPORAL_NAMESPACE: ${namespace.message ?? 'the namespace is not there'}; it must exist on that server. ` +
        'Create it (temporal operator namespace create), or name another.',
      { cause: error },
    );
  if (named('CancelledFailure') !== undefined)
    return new LodestoneError('RunStopped', 'the run was cancelled. What it committed is kept.', { cause: error });
  if (named('TerminatedFailure') !== undefined)
    return new LodestoneError('RunFailed', 'the run was terminated from outside. What it committed is kept.', {
      cause: error,
    });

  const grpc = chain.find(({ code, details }) => typeof code === 'number' && typeof details === 'string');
  if (grpc !== undefined && UNREACHABLE.has(grpc.code as number))
    return unavailable(`does not answer (${String(grpc.details)})`, error);
  if (grpc !== undefined && REFUSED.has(grpc.code as number))
    return unavailable(`refuses the credentials (${String(grpc.details)})`, error);
  const refusal = chain.find(({ code }) => diskIsFull.has(String(code)));
  if (refusal !== undefined)
    return new LodestoneError(
      'DiskFull',
      `${refusal.path ?? 'disk'}: has no room for what is to be written (${String(refusal.message)}). Free some space, or lift the quota, and run the same command again.`,
      { cause: error },
    );

  const misplaced = chain.find(({ code, path }) => path !== undefined && wrongPlace.has(code));
  if (misplaced !== undefined)
    return new LodestoneError('InvalidConfig', `${misplaced.path}: ${wrongPlace.get(misplaced.code)}`, {
      cause: error,
    });

  const workflow = named('WorkflowFailedError');
  const innermost = chain.at(-1)?.message ?? String(error);
  if (workflow !== undefined) return new LodestoneError('RunFailed', `the run failed: ${innermost}`, { cause: error });
  return new LodestoneError('Unexpected', `${chain[0]?.message ?? String(error)}`, { cause: error });
}

export function exitCodeOf(error: LodestoneError): number {
  return failures[error.kind].exitCode;
}

function unavailable(how: string, cause: unknown): LodestoneError {
  return new LodestoneError(
    'TemporalUnavailable',
    `Temporal server: ${how}. Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and its credentials, or unset them to use the local stack; \`lodestone doctor\` tests them.`,
    { cause },
  );
}

function causes(error: unknown): Thrown[] {
  const chain: Thrown[] = [];
  for (let at: unknown = error; typeof at === 'object' && at !== null && chain.length < 20; at = (at as Thrown).cause)
    chain.push(at);
  return chain;
}
