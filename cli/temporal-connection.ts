/**
 * A connection to a Temporal server, or one message that says why there is none. gRPC waits in silence for a server that it
 * cannot agree with on TLS, so a handshake of our own is made before and says what is wrong at once.
 */
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Connection, ConnectionOptions } from '@temporalio/client';
import { LodestoneError } from '../errors';

const CONNECT_TIMEOUT_MS = 10_000;
/** A server that refuses a client's certificate says so after the handshake, in the place of its first bytes. */
const SILENCE_MS = 2_000;

/** By the code of a failed handshake; what is not here says nothing about TLS. */
const faults: readonly { readonly code: RegExp; readonly rule: string; readonly remedy: string }[] = [
  {
    code: /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_(UNTRUSTED|REJECTED|SIGNATURE_FAILURE|CHAIN_TOO_LONG)|INVALID_CA)/,
    rule: 'its TLS certificate is not trusted, it must be signed by a known CA',
    remedy: 'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH (or server_ca_cert_path of the profile) to the CA that signed it.',
  },
  {
    code: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    rule: 'its TLS certificate is not valid today',
    remedy: 'Renew it, or set the clock of this machine right.',
  },
  {
    code: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    rule: 'its TLS certificate is for another name, it must be for the one connected to',
    remedy: 'Connect to a name that it has, or set TEMPORAL_TLS_SERVER_NAME.',
  },
  {
    code: /^ERR_SSL_\w*ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/,
    rule: 'it refuses the client certificate of this connection, it must be one that it knows',
    remedy: 'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH (or those of the profile).',
  },
  {
    code: /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|ECONNRESET)$/,
    rule: 'it ends the TLS handshake, it must speak TLS where TLS settings or an API key are given',
    remedy: 'Set TEMPORAL_TLS=false for a server without TLS, or name the address that has it.',
  },
];

/** What may pass by itself: gRPC tries for as long as it is given. */
const PASSING = 'ECONNRESET';

/** @throws TemporalUnavailable */
export async function connectTemporal(options: ConnectionOptions): Promise<Connection> {
  const { Connection } = await import('@temporalio/client');
  const address = options.address ?? '';
  const unavailable = (cause: unknown): LodestoneError =>
    new LodestoneError('TemporalUnavailable', `Temporal server ${address}: ${reasonOf(cause)}`, { cause });
  const fault = options.tls ? await tlsFault(address, options.tls === true ? {} : options.tls) : null;
  if (fault !== null && codeOf(fault) !== PASSING) throw unavailable(fault);

  const connection = Connection.lazy({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    await connection.ensureConnected();
    return connection;
  } catch (cause) {
    await connection.close();
    throw unavailable(fault ?? cause);
  }
}

function reasonOf(cause: unknown): string {
  const fault = faults.find(({ code }) => code.test(codeOf(cause)));
  if (fault !== undefined) return `${fault.rule} (${codeOf(cause)}). ${fault.remedy}`;
  const refusal = refusalOf(cause);
  if (refusal !== null)
    return `refuses the credentials (${refusal}). Check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE, or those of the profile.`;
  return (
    `does not answer (${(cause as Error).message}). ` +
    'Check TEMPORAL_ADDRESS and its TLS and API key settings, or unset TEMPORAL_* to use the local stack.'
  );
}

type TlsFiles = Exclude<ConnectionOptions['tls'], boolean | null | undefined>;

/** What one TLS handshake, made as gRPC makes it, finds wrong; null: nothing, or nothing that is TLS's to say. */
function tlsFault(
  address: string,
  { serverRootCACertificate: ca, clientCertPair: pair, serverNameOverride }: TlsFiles,
): Promise<Error | null> {
  const { hostname, port } = new URL(`grpc://${address}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const name = serverNameOverride ?? host;
  const socket = connect({
    host,
    port: Number(port || 7233),
    ALPNProtocols: ['h2'],
    ...(isIP(name) === 0 ? { servername: name } : {}), // an IP address is no server name
    ...(ca ? { ca: Buffer.from(ca) } : {}),
    ...(pair ? { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) } : {}),
  });
  return new Promise<Error | null>((resolve) => {
    socket.once('error', (error: Error) => resolve(faults.some(({ code }) => code.test(codeOf(error))) ? error : null));
    socket.once('close', () => resolve(null));
    socket.once('data', () => resolve(null)); // it is spoken to
    socket.setTimeout(SILENCE_MS, () => resolve(null));
  }).finally(() => socket.destroy());
}

/** What a server said with the gRPC codes 7 (permission denied) and 16 (unauthenticated); null: it said nothing like that. */
function refusalOf(error: unknown): string | null {
  for (let at = error as Grpc | undefined; at !== undefined && at !== null; at = at.cause as Grpc | undefined)
    if (at.code === 7 || at.code === 16) return at.details ?? at.message ?? '';
  return null;
}

interface Grpc {
  readonly code?: unknown;
  readonly details?: string;
  readonly message?: string;
  readonly cause?: unknown;
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
