/**
 * The environment variables that lodestone reads, parsed once by the command or the worker. TEMPORAL_* belong to
 * Temporal's own environment configuration. AWS_* only authenticate and, as for every S3 program, may move the endpoint
 * of a store that was chosen; they never choose one.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseAtEdge } from './parse';

/** A variable that is set to nothing is not set. */
const Variable = z
  .string()
  .optional()
  .transform((value) => value || null);

const Variables = z.object({
  LODESTONE_STORE: Variable.meta({
    doc: 'where objects are stored: s3://bucket/prefix, with ?endpoint=http://host:port where it is not AWS, or file:///path',
  }),
  LODESTONE_STORE_ENDPOINT: Variable.meta({ doc: 'the S3 endpoint, where LODESTONE_STORE does not name it' }),
  LODESTONE_CACHE: Variable.meta({ doc: 'folder of built programs, and of a worker that is given no other' }),
  LODESTONE_WORKER_DIRECTORY: Variable.meta({
    doc: 'folder of a worker: downloaded objects, scratch files, drawn data sets; one trainer at a time uses one',
  }),
  XDG_CACHE_HOME: Variable,
  AWS_ENDPOINT_URL_S3: Variable,
  AWS_ENDPOINT_URL: Variable,
  AWS_REGION: Variable,
  AWS_DEFAULT_REGION: Variable,
  AWS_ACCESS_KEY_ID: Variable,
  AWS_SECRET_ACCESS_KEY: Variable,
  AWS_SESSION_TOKEN: Variable,
});

export interface StoreCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

export interface Environment {
  /** Null: the local stack's. */
  readonly store: string | null;
  /** Null: that of AWS for the region. */
  readonly storeEndpoint: string | null;
  readonly region: string;
  /** Null: what the SDK finds elsewhere (profiles, instance and pod identities). */
  readonly credentials: StoreCredentials | null;
  readonly cache: string;
  readonly workerDirectory: string;
}

export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const read = parseAtEdge(Variables, variables, 'environment');
  const cache = read.LODESTONE_CACHE ?? join(read.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lodestone');
  return {
    store: read.LODESTONE_STORE,
    storeEndpoint: read.LODESTONE_STORE_ENDPOINT ?? read.AWS_ENDPOINT_URL_S3 ?? read.AWS_ENDPOINT_URL,
    region: read.AWS_REGION ?? read.AWS_DEFAULT_REGION ?? 'us-east-1',
    credentials:
      read.AWS_ACCESS_KEY_ID !== null && read.AWS_SECRET_ACCESS_KEY !== null
        ? {
            accessKeyId: read.AWS_ACCESS_KEY_ID,
            secretAccessKey: read.AWS_SECRET_ACCESS_KEY,
            sessionToken: read.AWS_SESSION_TOKEN,
          }
        : null,
    cache,
    workerDirectory: read.LODESTONE_WORKER_DIRECTORY ?? join(cache, 'worker'),
  };
}
