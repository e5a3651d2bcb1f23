/**
 * What stands before a Temporal server elsewhere, for tests: TLS with certificates made at the moment, client certificates
 * asked for, an API key asked for, and a way on which some calls take their time. It passes gRPC on to a real server and
 * remembers who came how.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  connect,
  constants,
  createSecureServer,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type Http2SecureServer,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { join } from 'node:path';

export const hasOpenssl = (): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('TLS: SKIPPED, there is no openssl program to make certificates with');
    return false;
  }
};

/** Paths of PEM files. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export function makeAuthority(folder: string, name: string): KeyPair {
  const pair = pairOf(folder, name);
  const request = ['req', '-x509', ...freshKey(pair), '-days', '2', '-subj', `/CN=${name}`, '-out', pair.certificate];
  openssl(request);
  return pair;
}

/** @param names such as IP:127.0.0.1; none for a client */
export function makeCertificate(folder: string, name: string, authority: KeyPair, names: readonly string[]): KeyPair {
  const pair = pairOf(folder, name);
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
  openssl(['req', '-new', ...freshKey(pair), '-subj', `/CN=${name}`, '-out', request]);
  const lines = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth,clientAuth'];
  if (names.length > 0) lines.push(`subjectAltName=${names.join(',')}`);
  writeFileSync(extensions, `${lines.join('\n')}\n`);
  const signer = ['-CA', authority.certificate, '-CAkey', authority.key, '-CAcreateserial'];
  openssl(['x509', '-req', '-in', request, ...signer, '-days', '2', '-extfile', extensions, '-out', pair.certificate]);
  return pair;
}

function pairOf(folder: string, name: string): KeyPair {
  return { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}

function freshKey({ key }: KeyPair): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
}

function openssl(words: readonly string[]): void {
  execFileSync('openssl', words, { stdio: 'pipe' });
}

export interface Caller {
  readonly authorization: string | undefined;
  /** The CN of the client's certificate. */
  readonly certificate: string | undefined;
  readonly agent: string;
}

export interface TlsProxy {
  readonly address: string;
  /** Every request that came, in order. */
  readonly callers: readonly Caller[];
  /** Calls that wait before they are passed on, by the name of their method; null: none. */
  slow: { readonly method: RegExp; readonly ms: number } | null;
  end(): Promise<void>;
}

export interface TlsProxyOptions {
  /** Of the plain server behind. */
  readonly port: number;
  readonly server: KeyPair;
  /** Who signs the certificates of clients; null: none are asked for. */
  readonly clientAuthority: KeyPair | null;
  /** The one that is let in. */
  readonly apiKey: string;
}

export async function startTlsProxy({ port, server, clientAuthority, apiKey }: TlsProxyOptions): Promise<TlsProxy> {
  const callers: Caller[] = [];
  const behind = connect(`http://127.0.0.1:${port}`);
  await once(behind, 'connect');
  const secure: Http2SecureServer = createSecureServer({
    cert: readFileSync(server.certificate),
    key: readFileSync(server.key),
    ...(clientAuthority && {
      requestCert: true,
      rejectUnauthorized: true,
      ca: readFileSync(clientAuthority.certificate),
    }),
  });
  const sessions = new Set<{ destroy(): void }>();
  secure.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  secure.on('tlsClientError', () => undefined);
  secure.on('stream', (stream, headers) => {
    const { authorization, 'user-agent': agent = '' } = headers;
    const { CN } = (stream.session?.socket as TLSSocket | undefined)?.getPeerCertificate().subject ?? {};
    callers.push({ authorization, certificate: Array.isArray(CN) ? CN[0] : CN, agent });
    stream.on('error', () => undefined);
    if (authorization !== `Bearer ${apiKey}`) {
      const refusal = { 'grpc-status': '16', 'grpc-message': 'Request unauthorized.' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
      return;
    }
    const waitMs = proxy.slow?.method.test(headers[':path'] ?? '') ? proxy.slow.ms : 0;
    setTimeout(() => passOn(behind, stream, headers), waitMs);
  });
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const proxy: TlsProxy = {
    address: `localhost:${(secure.address() as AddressInfo).port}`, // a name: gRPC warns of TLS to a bare address
    callers,
    slow: null,
    end: async () => {
      for (const session of sessions) session.destroy();
      behind.destroy();
      secure.close();
      await once(secure, 'close');
    },
  };
  return proxy;
}

/** One gRPC call: headers, messages and trailers either way; who hangs up is hung up on. */
function passOn(behind: ClientHttp2Session, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  if (stream.destroyed) return;
  const { authorization: _, ...rest } = headers;
  const call = behind.request({ ...rest, ':scheme': 'http' }, { endStream: false });
  let trailers: IncomingHttpHeaders = {};
  call.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  call.on('trailers', (given: IncomingHttpHeaders) => (trailers = given));
  call.on('response', (response, flags) => {
    if (stream.destroyed) return;
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (isWhole) return stream.respond(response, { endStream: true });
    stream.respond(response, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    call.pipe(stream);
  });
  stream.on('close', () => call.close(constants.NGHTTP2_CANCEL));
  stream.pipe(call);
}
