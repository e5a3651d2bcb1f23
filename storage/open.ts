/** From a store's location, as a user writes it, to the store. */
import { fileURLToPath } from 'node:url';
import type { Environment } from '../config/environment';
import { shownLocation } from '../config/shown-location';
import { LodestoneError } from '../errors';
import { FileStore } from './file-store';
import { S3Store } from './s3-store';
import type { ObjectStore } from './store';

/** MinIO holds a put for 30 s behind a stalled writer of the same key (S3). */
const REQUEST_TIMEOUT_MS = 45_000;

/**
 * @param location `s3://bucket/prefix`, with `?endpoint=http://host:port` where it is not AWS, or `file:///path`
 */
export function openStore(
  location: string,
  environment: Pick<Environment, 'storeEndpoint' | 'region' | 'credentials'>,
): ObjectStore {
  const url = URL.canParse(location) ? new URL(location) : null;
  if (url === null || !/^(s3:|file:\/\/\/)/.test(location)) {
    throw new LodestoneError(
      'InvalidConfig',
      `store: got ${quoted(location)}, must be s3://bucket/prefix or file:///path. Set --store or LODESTONE_STORE.`,
    );
  }
  if (url.protocol === 'file:') return new FileStore(fileURLToPath(url));
  return openS3Store(location, environment);
}

/** As openStore, where only S3 will do: the local stack also creates its bucket. */
export function openS3Store(
  location: string,
  { storeEndpoint, region, credentials }: Pick<Environment, 'storeEndpoint' | 'region' | 'credentials'>,
): S3Store {
  const url = new URL(location);
  if (url.username !== '' || url.password !== '') {
    throw new LodestoneError(
      'InvalidConfig',
      `store: s3://${url.host} comes with a user or password, must have none. Give them in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
    );
  }
  const strange = [...url.searchParams.keys()].find((name) => name !== 'endpoint');
  if (url.hostname === '' || strange !== undefined) {
    throw new LodestoneError(
      'InvalidConfig',
      `store: got ${quoted(location)}, must be s3://bucket/prefix?endpoint=http://host:port${strange === undefined ? '' : `, without ${strange}`}. Set --store or LODESTONE_STORE.`,
    );
  }
  return new S3Store({
    bucket: url.hostname,
    prefix: decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, ''),
    endpoint: checkedEndpoint(url.searchParams.get('endpoint') ?? storeEndpoint),
    region,
    credentials,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
}

function checkedEndpoint(endpoint: string | null): string | null {
  if (endpoint === null) return null;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '')
    return url.origin;
  throw new LodestoneError(
    'InvalidConfig',
    `store endpoint: got ${quoted(endpoint)}, must be http://host:port or https://host:port without user and password. ` +
      'Set ?endpoint= in --store or LODESTONE_STORE, or LODESTONE_STORE_ENDPOINT.',
  );
}

function quoted(location: string): string {
  return JSON.stringify(shownLocation(location));
}
