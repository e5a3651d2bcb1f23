/** Real S3 servers for tests, on free loopback ports, with credentials of their own, ended with the test file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import type { StoreCredentials } from '../../../config/environment';
import { S3Store, type S3StoreOptions } from '../../../storage/s3-store';
import { onSmallDisk, seenFromHere, smallDisk, type SmallDisk } from './small-disk';
import { freshFolder } from './temporary-folder';

export interface TestServer {
  readonly port: number;
  readonly credentials: StoreCredentials;
  /** A store in this server's bucket; each has a prefix of its own unless one is given. */
  store(options?: Partial<S3StoreOptions>): S3Store;
  /** What its data lies on, where it was given a disk of its own. */
  readonly disk: SmallDisk | null;
}

type ServerName = 'minio' | 'versitygw';

const toolchain = JSON.parse(readFileSync(join(__dirname, '../../../.lodestone/toolchain.json'), 'utf8')) as Record<
  ServerName,
  string | null
>;

export const hasServer = (name: ServerName): boolean => {
  if (toolchain[name] === null) console.warn(`${name} is not set up: its tests are skipped. Run: npm run setup`);
  return toolchain[name] !== null;
};

const running: ChildProcess[] = [];
const endAll = (): void => running.forEach((child) => child.kill('SIGKILL'));
process.on('exit', endAll);

afterAll(async () => {
  const ended = running.splice(0).map(async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  });
  await Promise.all(ended);
});

/** @param diskMb gives its data a disk of this size, which nobody else sees */
export async function startServer(name: ServerName, diskMb?: number): Promise<TestServer> {
  const port = await freePort();
  const folder = await freshFolder();
  const credentials = {
    accessKeyId: randomBytes(8).toString('hex'),
    secretAccessKey: randomBytes(20).toString('hex'),
    sessionToken: null,
  };
  const data = join(folder, 'data');
  await mkdir(data);
  const address = `127.0.0.1:${port}`;
  const { accessKeyId, secretAccessKey } = credentials;
  const [program, ...words] =
    name === 'minio'
      ? [String(toolchain.minio), 'server', data, '--address', address, '--quiet']
      : [String(toolchain.versitygw), '--quiet', '--port', address, 'posix', data];
  const secrets =
    name === 'minio'
      ? { MINIO_ROOT_USER: accessKeyId, MINIO_ROOT_PASSWORD: secretAccessKey }
      : { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey };
  const alone = [program, ...words];
  const [command, ...args] = diskMb === undefined ? alone : onSmallDisk(diskMb, data, alone);
  const child = spawn(command, args, {
    env: { ...process.env, HOME: folder, ...secrets },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.push(child);
  const said: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));

  const store = (options: Partial<S3StoreOptions> = {}): S3Store =>
    new S3Store({
      bucket: 'lodestone-test',
      prefix: randomBytes(6).toString('hex'),
      endpoint: `http://${address}`,
      region: 'us-east-1',
      credentials,
      requestTimeoutMs: 20_000,
      ...options,
    });
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said.join('')}`);
    try {
      await store().ensureBucket();
      const disk = diskMb === undefined ? null : smallDisk(seenFromHere(child.pid ?? 0, join(data, 'ballast')));
      return { port, credentials, store, disk };
    } catch (error) {
      if (tries >= 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100)); // a server says nothing when it is ready
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface CuttingProxy {
  readonly endpoint: string;
  readonly connections: () => number;
  close(): Promise<void>;
}

/**
 * Stands before a server and cuts the first `cuts` connections after so many bytes of one direction.
 */
export async function cutConnections(
  port: number,
  cut: { readonly direction: 'up' | 'down'; readonly afterBytes: number; readonly cuts: number },
): Promise<CuttingProxy> {
  let connections = 0;
  let cutsLeft = cut.cuts;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    connections++;
    const upstream = connect(port, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', end).on('close', () => (end(), open.delete(socket)));
    }
    let passed = 0;
    const pass = (from: Socket, to: Socket, counts: boolean): void => {
      from.on('data', (chunk) => {
        if (counts) passed += chunk.length;
        if (counts && cutsLeft > 0 && passed > cut.afterBytes) {
          cutsLeft--;
          end();
        } else {
          to.write(chunk);
        }
      });
    };
    pass(client, upstream, cut.direction === 'up');
    pass(upstream, client, cut.direction === 'down');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
