/** What an S3 store's failures mean, in words; one table for everything that talks to one. Never prints a secret. */
import { LodestoneError } from '../errors';
import { codeOf } from './local-file';

export interface S3Request {
  /** "put runs/a/run.json" */
  readonly what: string;
  readonly host: string;
  readonly bucket: string;
}

const refusedCredentials = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AccessDenied',
  'Forbidden',
  'ExpiredToken',
  'InvalidToken',
  'AuthorizationHeaderMalformed',
  'XAdminUserNotFound', // versitygw, with status 404
];
const broken = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED'];

/** A LodestoneError for whatever came out of a request; one that is one already is kept. */
export function explainS3(error: unknown, { what, host, bucket }: S3Request): LodestoneError {
  if (error instanceof LodestoneError) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  const subject = `store ${host}, bucket ${bucket}: could not ${what}`;
  const unavailable = (because: string, remedy: string): LodestoneError =>
    new LodestoneError('StoreUnavailable', `${subject}: ${because}. ${remedy}`, { cause: error });

  if (status === 507 || name === 'XMinioStorageFull' || name === 'QuotaExceeded')
    return new LodestoneError('DiskFull', `${subject}: the store has no space left. Free some, then run again.`, {
      cause: error,
    });
  if (refusedCredentials.includes(name) || status === 401 || status === 403)
    return unavailable(
      `it refuses the credentials (${name}), they must be those of a user who may read and write there`,
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.',
    );
  if (name === 'CredentialsProviderError')
    return unavailable(
      'no credentials were found, an S3 store needs some',
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.',
    );
  if (name === 'NoSuchBucket')
    return unavailable(
      'there is no such bucket, it must exist before a run',
      'Create it, or name another in --store or LODESTONE_STORE.',
    );
  if (status === 0)
    return unavailable(
      `it does not answer (${reasonOf(error)}), it must be reachable from here`,
      'Start it, or check the endpoint in --store, LODESTONE_STORE or LODESTONE_STORE_ENDPOINT.',
    );
  return unavailable(
    `it answers ${status} ${name}, 200 was expected`,
    "Run again when it is well; the store's own log says more.",
  );
}

/** Whether a transfer broke in its middle, so that it is worth beginning again. */
export function isBrokenTransfer(error: unknown): boolean {
  return broken.includes(String(codeOf(error))) || nameOf(error) === 'TimeoutError';
}

export function nameOf(error: unknown): string {
  return error instanceof Error || (typeof error === 'object' && error !== null && 'name' in error)
    ? String(error.name)
    : 'unknown';
}

/** 0 where no answer came. */
export function statusOf(error: unknown): number {
  const metadata = (error as { $metadata?: { httpStatusCode?: unknown } } | null)?.$metadata;
  return typeof metadata?.httpStatusCode === 'number' ? metadata.httpStatusCode : 0;
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.message || error.name : String(error);
}
