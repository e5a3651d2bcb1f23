/**
 * Which Temporal server the environment names: TEMPORAL_* and Temporal's own profile file, checked once for the command and
 * the worker. Messages name variables, files and rules, never a key or a line of a file that may hold one.
 */
import { existsSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { ClientConfigTLS, ClientConnectConfig } from '@temporalio/envconfig';
import { LodestoneError } from '../errors';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What gRPC takes as the value of a header. */
const headerValue = /^[ -~]*$/;
const hostAndPort = /^(\[[0-9a-f:.]+\]|[^\s:/@]+)(:\d+)?$/i;

/** @throws InvalidConfig where a client could not use it */
export function temporalSettings(variables: Variables): ClientConnectConfig {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where servers are asked for
  const envconfig = require('@temporalio/envconfig') as typeof import('@temporalio/envconfig');
  const overrideEnvVars = Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => !!entry[1]),
  );
  const { TEMPORAL_CONFIG_FILE: file } = overrideEnvVars;
  if (file !== undefined && !existsSync(file))
    throw invalid(`TEMPORAL_CONFIG_FILE: got ${file}, which is not there. Name Temporal's profile file, or unset it.`);
  const profile = reading(
    () => envconfig.loadClientConfigProfile({ overrideEnvVars }),
    (why) => `Temporal's configuration: ${why}. Mend TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE, or unset them.`,
  );
  requirePair(profile.tls);
  const settings = reading(
    () => envconfig.toClientOptions(profile),
    (why) => `Temporal's TLS: ${why}. ${TLS_REMEDY}`,
  );
  const { address, apiKey, metadata, tls } = settings.connectionOptions;
  if (address !== undefined && !hostAndPort.test(address))
    throw invalid(
      `TEMPORAL_ADDRESS (or address of the profile): got ${address}, must be host:port, such as temporal.example:7233.`,
    );
  requireHeader('TEMPORAL_API_KEY (or api_key of the profile)', apiKey);
  for (const [name, value] of Object.entries(metadata ?? {}))
    requireHeader(`TEMPORAL_GRPC_META ${name}`, typeof value === 'string' ? value : undefined);
  if (typeof tls === 'object' && tls !== null) requireUsable(tls);
  return settings;
}

const TLS_REMEDY =
  'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH (or the tls of the profile) to PEM files.';

function requirePair(tls: ClientConfigTLS | undefined): void {
  if ((tls?.clientCert === undefined) === (tls?.clientKey === undefined)) return;
  const [given, missing] = tls?.clientCert === undefined ? ['key', 'certificate'] : ['certificate', 'key'];
  throw invalid(`Temporal's TLS: got a client ${given} without its ${missing}, must be both or none. ${TLS_REMEDY}`);
}

type TlsFiles = Exclude<ClientConnectConfig['connectionOptions']['tls'], boolean | null | undefined>;

function requireUsable({ serverRootCACertificate: ca, clientCertPair: pair }: TlsFiles): void {
  if (ca)
    reading(
      () => new X509Certificate(ca),
      (why) => `Temporal's TLS: the server's CA is no certificate (${why}). ${TLS_REMEDY}`,
    );
  if (pair)
    reading(
      () => createSecureContext({ cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
      (why) => `Temporal's TLS: the client certificate and its key are no pair (${why}). ${TLS_REMEDY}`,
    );
}

function requireHeader(name: string, value: unknown): void {
  if (typeof value !== 'string' || headerValue.test(value)) return;
  throw invalid(
    `${name}: holds a line end or another character that is none of printable ASCII (its value is not shown). ` +
      'Set it anew, without a line end.',
  );
}

/** Keeps the first line of what is thrown and drops the rest: a parser quotes lines of the file, where a key may stand. */
function reading<T>(read: () => T, message: (why: string) => string): T {
  try {
    return read();
  } catch (cause) {
    const { message: said, line, column } = cause as Error & { line?: number; column?: number };
    const place = typeof line === 'number' ? `, line ${line}, column ${column ?? 1}` : '';
    throw new LodestoneError('InvalidConfig', message(`${said.split('\n')[0].trim()}${place}`));
  }
}

function invalid(message: string): LodestoneError {
  return new LodestoneError('InvalidConfig', message);
}
