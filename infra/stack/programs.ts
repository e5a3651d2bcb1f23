/**
 * The programs of the local stack as command lines, and how each shows that it serves. Loopback only; secrets go by the
 * environment, never on a command line. Does not start anything.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Connection } from '@temporalio/client';
import { LodestoneError } from '../../errors';
import { readToolchain } from './toolchain';
import { dataPaths, type Credentials, type Ports, type ProcessName, type S3Kind } from './state';

export interface Program {
  readonly name: ProcessName;
  readonly command: readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: string;
  /** From SIGTERM to SIGKILL. */
  readonly stopGraceMs: number;
  /** Before every start. */
  prepare(): void;
  /** Rejects until the program serves; a worker has no such sign. */
  check(): Promise<void>;
}

const BUCKET = 'lodestone';
const CHECK_TIMEOUT_MS = 3000;
const WORKER_STOP_GRACE_MS = 30_000;
const SERVER_STOP_GRACE_MS = 10_000;

export interface StackEndpoints {
  readonly temporalAddress: string;
  readonly temporalUi: string;
  readonly storeUri: string;
  readonly s3Endpoint: string;
}

export function endpointsAt(ports: Ports): StackEndpoints {
  return {
    temporalAddress: `127.0.0.1:${ports.temporal}`,
    temporalUi: `http://127.0.0.1:${ports.temporalUi}`,
    storeUri: `s3://${BUCKET}`,
    s3Endpoint: `http://127.0.0.1:${ports.s3}`,
  };
}

/** What a worker or a command sets to use the stack. */
export function stackEnvironment(ports: Ports, credentials: Credentials): Record<string, string> {
  const { temporalAddress, storeUri, s3Endpoint } = endpointsAt(ports);
  return {
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: 'default',
    LODESTONE_STORE: storeUri,
    LODESTONE_STORE_ENDPOINT: s3Endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: '', // a person's own belongs to other keys
    AWS_REGION: 'us-east-1',
  };
}

export interface StackConnection {
  readonly address: string;
  readonly channelArgs: Record<string, number>;
}

/** How to connect to the stack's Temporal server. gRPC would go through a proxy of the environment, to this machine too. */
export function stackConnection(address: string): StackConnection {
  return { address, channelArgs: { 'grpc.enable_http_proxy': 0 } };
}

export function temporalProgram(stateDir: string, projectRoot: string, s3: S3Kind, ports: Ports): Program {
  const { database, ready } = dataPaths(stateDir, s3);
  return {
    name: 'temporal',
    command: [
      binary(projectRoot, 'temporal'),
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(ports.temporal)],
      ...['--ui-ip', '127.0.0.1', '--ui-port', String(ports.temporalUi), '--db-filename', database],
      ...['--log-level', 'warn'],
    ],
    environment: ownEnvironment(stateDir),
    folder: stateDir,
    stopGraceMs: SERVER_STOP_GRACE_MS,
    prepare: () => {
      mkdirSync(dirname(database), { recursive: true });
      if (!existsSync(ready)) removeDatabase(database); // E2: killed in its first second, half a schema
    },
    check: async () => {
      const connection = await Connection.connect({
        ...stackConnection(`127.0.0.1:${ports.temporal}`),
        connectTimeout: CHECK_TIMEOUT_MS,
      });
      try {
        await connection.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () =>
          connection.workflowService.describeNamespace({ namespace: 'default' }),
        );
      } finally {
        await connection.close();
      }
      writeFileSync(ready, '');
    },
  };
}

export function s3Program(
  stateDir: string,
  projectRoot: string,
  s3: S3Kind,
  ports: Ports,
  credentials: Credentials,
): Program {
  const { objects } = dataPaths(stateDir, s3);
  const address = `127.0.0.1:${ports.s3}`;
  const { accessKeyId, secretAccessKey } = credentials;
  const server = binary(projectRoot, s3);
  const variant =
    s3 === 'minio'
      ? {
          command: [server, 'server', objects, '--address', address, '--quiet'] as const,
          secrets: { MINIO_ROOT_USER: accessKeyId, MINIO_ROOT_PASSWORD: secretAccessKey, MINIO_BROWSER: 'off' },
        }
      : {
          command: [server, '--quiet', '--port', address, 'posix', objects] as const,
          secrets: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
        };
  return {
    name: 's3',
    command: [...variant.command],
    environment: { ...ownEnvironment(stateDir), HOME: stateDir, ...variant.secrets },
    folder: stateDir,
    stopGraceMs: SERVER_STOP_GRACE_MS,
    prepare: () => mkdirSync(objects, { recursive: true }),
    check: async () => {
      const client = new S3Client({
        endpoint: `http://${address}`,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
        maxAttempts: 1,
      });
      try {
        const abortSignal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
        await client.send(new CreateBucketCommand({ Bucket: BUCKET }), { abortSignal });
      } catch (error) {
        if ((error as Error).name !== 'BucketAlreadyOwnedByYou') throw error;
      } finally {
        client.destroy();
      }
    },
  };
}

export function workerProgram(
  stateDir: string,
  projectRoot: string,
  ports: Ports,
  credentials: Credentials,
  command: readonly string[] | null,
): Program {
  const [first, ...rest] = command ?? [
    process.execPath,
    join(projectRoot, 'bin/lodestone.mjs'),
    ...['worker', '--role', 'all'],
  ];
  return {
    name: 'worker',
    command: [first, ...rest],
    environment: {
      ...ownEnvironment(stateDir),
      ...stackEnvironment(ports, credentials),
      LODESTONE_WORKER_DIRECTORY: join(stateDir, 'worker'),
    },
    folder: projectRoot,
    stopGraceMs: WORKER_STOP_GRACE_MS, // it checkpoints
    prepare: () => undefined,
    check: () => Promise.resolve(),
  };
}

/** Without anything that points at servers or credentials of the person who started the stack. */
function ownEnvironment(stateDir: string): NodeJS.ProcessEnv {
  const foreign = /^(TEMPORAL_|AWS_|MINIO_|VGW_|ROOT_|LODESTONE_STORE)/;
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))),
    XDG_CONFIG_HOME: join(stateDir, 'no-profiles'), // Temporal's profile file could add TLS or an API key
  };
}

/** @throws ToolMissing */
function binary(projectRoot: string, name: 'temporal' | S3Kind): string {
  const file = join(projectRoot, '.lodestone/toolchain.json');
  if (!existsSync(file)) throw missing(name, `${file} is not there`);
  const toolchain = readToolchain(file);
  if (toolchain === null) throw missing(name, `${file} cannot be read`);
  const path = toolchain[name];
  if (path === null) throw missing(name, `${file} has none`);
  if (!existsSync(path)) throw missing(name, `${path} is gone`);
  return path;
}

function missing(name: string, why: string): LodestoneError {
  return new LodestoneError(
    'ToolMissing',
    `${name}: ${why}; the local stack needs it. Run: npm run setup, or name servers elsewhere (TEMPORAL_ADDRESS and LODESTONE_STORE).`,
  );
}

/** The file and what SQLite lays beside it (-wal, -shm, -journal). */
function removeDatabase(database: string): void {
  for (const name of readdirSync(dirname(database)))
    if (name.startsWith(basename(database))) rmSync(join(dirname(database), name));
}
