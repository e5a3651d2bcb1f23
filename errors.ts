/**
 * Every way in which lodestone fails, in one table: whether Temporal retries it, the exit code of the command, what it means.
 * A message names the field or file, the value, the rule and the way out.
 */
export const failures = {
  Unexpected: { retry: true, exitCode: 1, means: 'a fault of the program itself' },
  InvalidConfig: { retry: false, exitCode: 2, means: 'a field of the recipe, the input or the command breaks a rule' },
  DataRejected: { retry: false, exitCode: 3, means: 'the data set cannot be trained on as it is' },
  NameTaken: { retry: false, exitCode: 4, means: 'the run name belongs to another configuration' },
  RunNotFound: { retry: false, exitCode: 5, means: 'there is no run of that name' },
  NumericalDivergence: { retry: false, exitCode: 6, means: 'a loss or an embedding is not finite' },
  CheckpointIncompatible: {
    retry: false,
    exitCode: 7,
    means: 'the checkpoint was written for another network or optimizer',
  },
  NoProgress: { retry: false, exitCode: 8, means: 'five recoveries in a row reached no later checkpoint' },
  OutOfMemory: { retry: false, exitCode: 9, means: 'the trainer ran out of memory twice on a device of its own' },
  /** Facts: `what` names the input; `lastGood` is the digest of the checkpoint to go back to, null where none is known. */
  InputRejected: {
    retry: false,
    exitCode: 10,
    means: 'a stored input cannot be read; the run goes back to the last good one',
  },
  EngineUnavailable: { retry: false, exitCode: 11, means: 'TensorFlow cannot be loaded on this machine' },
  ToolMissing: { retry: false, exitCode: 12, means: 'a program or a version that lodestone needs is not installed' },
  ArtifactCorrupt: { retry: true, exitCode: 13, means: 'stored bytes do not match their sha256' },
  StoreUnavailable: { retry: true, exitCode: 14, means: 'the object store does not answer or refuses the credentials' },
  TemporalUnavailable: {
    retry: true,
    exitCode: 15,
    means: 'the Temporal server does not answer or refuses the credentials',
  },
  DeviceBusy: { retry: true, exitCode: 16, means: 'another trainer holds the device' },
  TrainerLost: { retry: true, exitCode: 17, means: 'the trainer process died or hung' },
  PortTaken: { retry: false, exitCode: 18, means: 'a configured port is in use by another program' },
  DiskFull: { retry: false, exitCode: 19, means: 'there is no space left on a disk that lodestone writes to' },
  RunFailed: { retry: false, exitCode: 20, means: 'the run ended without a result for another reason' },
  RunStopped: { retry: false, exitCode: 21, means: 'the run was stopped before its result was whole' },
} as const satisfies Record<string, { retry: boolean; exitCode: number; means: string }>;

export type FailureKind = keyof typeof failures;

export interface FailureDetails {
  readonly cause?: unknown;
  /** JSON values a program may act on, such as the last good checkpoint. */
  readonly facts?: Readonly<Record<string, string | number | boolean | null>>;
}

export class LodestoneError extends Error {
  override readonly name = 'LodestoneError';
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;

  constructor(
    readonly kind: FailureKind,
    message: string,
    { cause, facts = {} }: FailureDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.facts = facts;
  }
}

export function isFailureKind(value: unknown): value is FailureKind {
  return typeof value === 'string' && Object.hasOwn(failures, value);
}

/** For the default branch of an exhaustive switch. */
export function assertNever(value: never): never {
  throw new LodestoneError(
    'Unexpected',
    `unhandled case: ${JSON.stringify(value)}. This is a fault in lodestone; please report it.`,
  );
}
